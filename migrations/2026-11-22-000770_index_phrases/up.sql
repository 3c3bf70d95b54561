-- The index of words knows no order of words: of two that are common, too many tickets have both for reading each of them.
-- So what is searched of a ticket has besides, as a hash, each two words that follow each other in one of its texts.

-- By MD5, which is the same in every version and on every machine. Of 22 bits: most pairs are rare, and the index would be
-- larger if each had an entry of its own. Those that share a hash are told apart by the words.
-- In PL/pgSQL, which plans a query once in a session: a trigger would plan it at each row.
create function word_pairs(words text[]) returns int[] language plpgsql immutable parallel safe as $$
begin
  return array(select ('x' || left(md5(one || ' ' || next), 6))::bit(24)::int >> 2
                 from unnest(words[:cardinality(words) - 1], words[2:]) pair(one, next));
end $$;

-- Of the same words as `weighed`: all that the parser tells but what is between them (12).
create function text_pairs(said text) returns int[] language plpgsql immutable parallel safe as $$
begin
  return word_pairs(array(select token from ts_parse('default', plain_words(left(said, 100000))) where tokid <> 12));
end $$;

create function ticket_pairs(t tickets) returns int[] language sql immutable as $$
  select text_pairs(t.number || ' ' || coalesce(t.external_id, '') || ' ' || t.subject) || text_pairs(t.description)
$$;

-- Every row is written anew: the index of words is built faster than kept.
drop index ticket_texts_words;
alter table ticket_texts add column pairs int[];
update ticket_texts x
   set pairs = ticket_pairs(t) || array(select pair from notes n, unnest(text_pairs(n.body)) with ordinality p(pair, place)
                                         where n.ticket_id = t.id order by n.seq, place)
  from tickets t where t.id = x.ticket_id;
alter table ticket_texts alter column pairs set not null, alter column pairs set statistics 1000;
create index ticket_texts_words on ticket_texts using gin (words) with (gin_pending_list_limit = 256);
create index ticket_texts_pairs on ticket_texts using gin (pairs) with (gin_pending_list_limit = 256);

create or replace function renew_ticket_text(id uuid) returns void language plpgsql as $$
declare
  t tickets;
  note record;
  said tsvector;
  following int[];
begin
  -- First, so that what another transaction adds or changes meanwhile is waited for and read.
  perform from ticket_texts where ticket_id = renew_ticket_text.id for update;
  select * into t from tickets where tickets.id = renew_ticket_text.id;
  said := ticket_head(t);
  following := ticket_pairs(t);
  for note in select body, visibility from notes where ticket_id = t.id order by seq loop
    said := with_words(said, weighed(note.body, note_weight(note.visibility)));
    following := following || text_pairs(note.body);
  end loop;
  insert into ticket_texts (ticket_id, created_at, department_id, words, pairs)
    values (t.id, t.created_at, t.department_id, said, following)
    on conflict (ticket_id) do update set words = excluded.words, pairs = excluded.pairs;
end $$;

create or replace function keep_ticket_text() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into ticket_texts (ticket_id, created_at, department_id, words, pairs)
      values (new.id, new.created_at, new.department_id, ticket_head(new), ticket_pairs(new));
  elsif old.department_id <> new.department_id then
    update ticket_texts set department_id = new.department_id where ticket_id = new.id;
  end if;
  if tg_op = 'UPDATE' and (old.subject, old.description, old.external_id)
      is distinct from (new.subject, new.description, new.external_id) then
    perform renew_ticket_text(new.id);
  end if;
  return null;
end $$;

create or replace function keep_note_text() returns trigger language plpgsql as $$
begin
  update ticket_texts
     set words = with_words(words, weighed(new.body, note_weight(new.visibility))),
         pairs = pairs || text_pairs(new.body)
   where ticket_id = new.ticket_id;
  return null;
end $$;
