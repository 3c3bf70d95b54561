-- Full text ------------------------------------------------------------------------------------------------------

-- Without case and accents. No language is assumed: tickets come in many.
create function fold_text(said text) returns text language sql immutable parallel safe as $$
  select case
    when octet_length(said) = length(said) then lower(said)
    -- What NFD leaves beside the letters are the accents; it does not take these few letters apart.
    else translate(replace(lower(regexp_replace(normalize(said, NFD), '[\u0300-\u036f]', '', 'g')), 'ß', 'ss'),
                   'øłđıæœ', 'oldiao')
  end
$$;

-- Runs of letters and digits: without what PostgreSQL's parser would join to addresses, numbers and tags. So CB-1042,
-- report.csv and an e-mail address are the words that they are made of, in this order.
create function plain_words(said text) returns text language sql immutable parallel safe as $$
  select translate(fold_text(said), '-./_@:+~&<', '          ')
$$;

-- The words of a text with a weight: A what names the ticket, B its description, C public notes, D internal ones. Who
-- may not see internal notes asks with the weights ABC. Of a very long text the beginning counts: PostgreSQL refuses a
-- tsvector of a megabyte.
create function weighed(said text, weight "char") returns tsvector language sql immutable parallel safe as $$
  select setweight(to_tsvector('simple', plain_words(left(said, 100000))), weight)
$$;

-- The index of words knows no order of words: of two that are common, too many tickets have both for reading each of them.
-- So what is searched of a ticket has besides, as a hash, each two words that follow each other in one of its texts.
--
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

-- What is searched of a ticket; a table of its own, because tickets are read without it.
create table ticket_texts (
  ticket_id uuid primary key references tickets on delete cascade,
  -- The ticket's: the newest tickets with a common word, of a department or of all, are found in this order.
  created_at timestamptz not null,
  department_id uuid not null,
  words tsvector not null,
  pairs int[] not null
);
-- What waits to be merged into the index is read by each search, so it is kept short.
create index ticket_texts_words on ticket_texts using gin (words) with (gin_pending_list_limit = 256);
create index ticket_texts_pairs on ticket_texts using gin (pairs) with (gin_pending_list_limit = 256);
create index ticket_texts_by_created on ticket_texts (created_at, ticket_id);
create index ticket_texts_by_department on ticket_texts (department_id, created_at, ticket_id);
-- Enough common words for the planner to tell a common word from a rare one.
alter table ticket_texts alter column words set statistics 1000, alter column pairs set statistics 1000;

-- One text more; a conversation that has become longer than a tsvector can hold is searched without its end.
create function with_words(words tsvector, more tsvector) returns tsvector language sql immutable parallel safe as $$
  select case when pg_column_size(words || '') + pg_column_size(more) < 900000 then words || more else words end
$$;

create function ticket_head(t tickets) returns tsvector language sql immutable as $$
  select weighed(t.number || ' ' || coalesce(t.external_id, '') || ' ' || t.subject, 'A')
      || weighed(t.description, 'B')
$$;

create function ticket_pairs(t tickets) returns int[] language sql immutable as $$
  select text_pairs(t.number || ' ' || coalesce(t.external_id, '') || ' ' || t.subject) || text_pairs(t.description)
$$;

create function note_weight(visibility text) returns "char" language sql immutable as $$
  select case visibility when 'public' then 'C'::"char" else 'D' end
$$;

-- All of a ticket anew, after a text was changed: a draft by its author, what was said by a redaction.
create function renew_ticket_text(id uuid) returns void language plpgsql as $$
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

create function keep_ticket_text() returns trigger language plpgsql as $$
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

create trigger keep_ticket_text_on_insert after insert on tickets
  for each row execute function keep_ticket_text();
create trigger keep_ticket_text_on_update after update on tickets
  for each row when (old.subject is distinct from new.subject or old.description is distinct from new.description
    or old.external_id is distinct from new.external_id or old.department_id <> new.department_id)
  execute function keep_ticket_text();

create function keep_note_text() returns trigger language plpgsql as $$
begin
  update ticket_texts
     set words = with_words(words, weighed(new.body, note_weight(new.visibility))),
         pairs = pairs || text_pairs(new.body)
   where ticket_id = new.ticket_id;
  return null;
end $$;

-- Once for each ticket, however many of its notes one statement changes. In the order of the ids, as two statements at
-- once have to lock them.
create function renew_note_texts() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    perform renew_ticket_text(ticket_id)
       from (select ticket_id from before union select ticket_id from after order by ticket_id) changed;
  else
    perform renew_ticket_text(ticket_id) from (select distinct ticket_id from before order by ticket_id) changed;
  end if;
  return null;
end $$;

create trigger keep_note_text_on_insert after insert on notes
  for each row execute function keep_note_text();
create trigger keep_note_text_on_update after update on notes
  referencing old table as before new table as after for each statement execute function renew_note_texts();
create trigger keep_note_text_on_delete after delete on notes
  referencing old table as before for each statement execute function renew_note_texts();

insert into ticket_texts (ticket_id, created_at, department_id, words, pairs)
  select t.id, t.created_at, t.department_id, ticket_head(t), ticket_pairs(t) from tickets t;
do $$
declare
  talked uuid;
begin
  for talked in select distinct ticket_id from notes loop
    perform renew_ticket_text(talked);
  end loop;
end $$;

-- Lists -----------------------------------------------------------------------------------------------------------

-- What has no deadline sorts behind everything that has one.
create index tickets_by_deadline on tickets (coalesce(deadline, timestamptz '9999-12-31 00:00:00+00'), id)
  where deleted_at is null;
-- Beside many closed tickets, those that are worked on, in the orders that lists offer.
create index tickets_open_by_updated on tickets (updated_at, id)
  where deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
create index tickets_open_by_priority on tickets (priority, id)
  where deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
create index tickets_open_by_deadline on tickets (coalesce(deadline, timestamptz '9999-12-31 00:00:00+00'), id)
  where deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
-- And those that are done, beside what was touched since.
create index tickets_closed_by_updated on tickets (updated_at, id) where deleted_at is null and category = 'closed';
-- Few among many.
create index tickets_reopened on tickets (updated_at, id)
  where reopen_count > 0 and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
-- What a customer waits for, beside what is long done.
create index tickets_account_open on tickets (account_id, created_at, id)
  where deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
-- A status says which category it has: the planner would multiply what they make rare.
create statistics tickets_status_category (mcv) on status, category from tickets;
-- Whoever opened a ticket sees it, whatever became of it.
create index tickets_opened_by on tickets (opened_by, created_at, id) where deleted_at is null;
create index tickets_deleted on tickets (created_at, id) where deleted_at is not null;
create index tickets_tags on tickets using gin (tags) with (gin_pending_list_limit = 256);

-- Views -----------------------------------------------------------------------------------------------------------

create table views (
  id uuid primary key,
  name text not null check (name <> ''),
  -- Who made it, and alone sees it while it is personal; null for what the service brought.
  owner_id uuid,
  -- personal, department, desk (everybody who works here), customers (every contact)
  audience text not null check (audience in ('personal', 'department', 'desk', 'customers')),
  department_id uuid references departments,
  -- {"category": "active", "assignee": "me"}: the query of a list, by name.
  filters jsonb not null,
  sort text not null,
  column_names text[] not null,
  position integer not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check (audience <> 'personal' or owner_id is not null),
  check ((audience = 'department') = (department_id is not null))
);
create index views_owner on views (owner_id);
create index views_shared on views (audience) where audience <> 'personal';

-- Those that every desk begins with; an administrator may change or delete them.
insert into views (id, name, audience, filters, sort, column_names, position, created_at, updated_at)
  select ('0199f0c2-b1c9-7000-8000-0000000001' || lpad(to_hex(position), 2, '0'))::uuid, name, audience, filters::jsonb, sort,
         case audience when 'customers' then array['number', 'subject', 'status', 'priority', 'updated_at']
              else array['number', 'subject', 'status', 'priority', 'account_id', 'assignee_id', 'deadline', 'updated_at'] end,
         position, now(), now()
    from (values
      (1, 'desk', 'Active tickets', '{"category": "active"}', '-updated_at'),
      (2, 'desk', 'My open tickets', '{"category": "active", "assignee": "me"}', '-priority'),
      (3, 'desk', 'Unassigned', '{"category": "active", "assignee": "none"}', 'created_at'),
      (4, 'desk', 'To be triaged', '{"category": "active", "severity": "none"}', '-priority'),
      (5, 'desk', 'Waiting for the customer', '{"category": "active", "awaiting": "customer"}', 'updated_at'),
      (6, 'desk', 'Waiting for a vendor', '{"category": "active", "awaiting": "vendor"}', 'updated_at'),
      (7, 'desk', 'Due today', '{"due": "today"}', 'deadline'),
      (8, 'desk', 'Overdue', '{"due": "overdue"}', 'deadline'),
      (9, 'desk', 'Reopened', '{"category": "active", "reopened": "true"}', '-updated_at'),
      (10, 'customers', 'Active tickets', '{"category": "active"}', '-updated_at'),
      (11, 'customers', 'Waiting for your reply', '{"category": "active", "awaiting": "customer"}', '-updated_at'),
      (12, 'customers', 'Closed tickets', '{"category": "closed"}', '-updated_at')
    ) ready(position, audience, name, filters, sort);
