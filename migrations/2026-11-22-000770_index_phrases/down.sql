create or replace function renew_ticket_text(id uuid) returns void language plpgsql as $$
declare
  t tickets;
  note record;
  said tsvector;
begin
  -- First, so that what another transaction adds or changes meanwhile is waited for and read.
  perform from ticket_texts where ticket_id = renew_ticket_text.id for update;
  select * into t from tickets where tickets.id = renew_ticket_text.id;
  said := ticket_head(t);
  for note in select body, visibility from notes where ticket_id = t.id order by seq loop
    said := with_words(said, weighed(note.body, note_weight(note.visibility)));
  end loop;
  insert into ticket_texts (ticket_id, created_at, department_id, words) values (t.id, t.created_at, t.department_id, said)
    on conflict (ticket_id) do update set words = excluded.words;
end $$;

create or replace function keep_ticket_text() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into ticket_texts (ticket_id, created_at, department_id, words)
      values (new.id, new.created_at, new.department_id, ticket_head(new));
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
     set words = with_words(words, weighed(new.body, note_weight(new.visibility)))
   where ticket_id = new.ticket_id;
  return null;
end $$;

drop index ticket_texts_pairs;
alter table ticket_texts drop column pairs;
drop function ticket_pairs(tickets), text_pairs(text), word_pairs(text[]);
