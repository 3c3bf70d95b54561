-- A draft has no events: the log begins with its submission. So an autosave costs one statement, and a draft that is
-- discarded leaves nothing behind. What the log said of drafts until now loses its content; the positions stay.
alter table events disable trigger events_append_only;
update events e set ticket_id = null, ticket_version = null, subject = 'draft/' || t.id, public = false,
    changes = '{}', data = '{}'
  from tickets t where t.id = e.ticket_id and t.category = 'draft';
alter table events enable trigger events_append_only;
create index tickets_drafts on tickets (opened_by, id) where category = 'draft';
create index tickets_drafts_by_age on tickets (updated_at) where category = 'draft';
alter table attachments
  drop constraint attachments_ticket_id_fkey,
  add constraint attachments_ticket_id_fkey foreign key (ticket_id) references tickets on delete cascade;

-- Who is told of what happens to a ticket beside those whose it is.
create table ticket_watchers (
  ticket_id uuid not null references tickets on delete cascade,
  agent_id uuid references agents,
  contact_id uuid references contacts,
  watcher_id uuid not null generated always as (coalesce(agent_id, contact_id)) stored,
  added_by uuid not null,
  added_by_name text not null,
  added_at timestamptz not null,
  primary key (ticket_id, watcher_id),
  check (num_nonnulls(agent_id, contact_id) = 1)
);
create index ticket_watchers_agent on ticket_watchers (agent_id, ticket_id) where agent_id is not null;
create index ticket_watchers_contact on ticket_watchers (contact_id, ticket_id) where contact_id is not null;

-- The newest tickets with tags: which tags are in use is counted over these.
create index tickets_tagged on tickets (created_at, id) where tags <> '{}' and deleted_at is null;

-- Where a span of text was taken out, by whom and why. The text itself is nowhere.
create table redactions (
  id uuid primary key,
  ticket_id uuid not null references tickets,
  field text not null check (field in ('subject', 'description', 'resolution', 'note')),
  note_id uuid references notes,
  -- In characters of the text as it was; the first of several spans.
  start integer not null check (start >= 0),
  length integer not null check (length > 0),
  -- How many spans.
  spans integer not null check (spans > 0),
  reason text not null,
  redacted_by uuid not null,
  redacted_by_name text not null,
  redacted_at timestamptz not null,
  check ((field = 'note') = (note_id is not null))
);
create index redactions_ticket on redactions (ticket_id, id);

-- What never changes may lose a span of text all the same: in the transaction that names the redaction of this ticket
-- that it has recorded, and nothing but the text.
create function redacts(ticket uuid) returns boolean language sql stable as $$
  select exists (select from redactions r where r.ticket_id = ticket
    and r.id::text = current_setting('casebridge.redaction', true)) $$;

create function redact_original() returns trigger language plpgsql as $$
begin
  if redacts(old.id) then return new; end if;
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
drop trigger tickets_keep_original on tickets;
create trigger tickets_keep_original before update of subject, description on tickets
  for each row when (old.category <> 'draft'
    and (old.subject <> new.subject or old.description <> new.description))
  execute function redact_original();

create function redact_note() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and redacts(old.ticket_id)
    and (new.id, new.ticket_id, new.seq, new.visibility, new.channel, new.author_id, new.author_role, new.author_name,
      new.created_at)
    is not distinct from (old.id, old.ticket_id, old.seq, old.visibility, old.channel, old.author_id, old.author_role,
      old.author_name, old.created_at)
  then return new; end if;
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
drop trigger notes_append_only on notes;
create trigger notes_append_only before update or delete on notes for each row execute function redact_note();

-- Events quote what a ticket was opened with, and events of its mirror name it in their data.
create function redact_event() returns trigger language plpgsql as $$
begin
  if redacts(coalesce(old.ticket_id, (old.data ->> 'ticket_id')::uuid))
    and to_jsonb(new) - array['changes', 'data'] = to_jsonb(old) - array['changes', 'data']
  then return new; end if;
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
drop trigger events_append_only on events;
create trigger events_append_only before update on events
  for each row when (old.position is not null) execute function redact_event();
create index events_naming_ticket on events ((data ->> 'ticket_id')) where ticket_id is null;

-- Where the CRM has text that was taken out at the desk, and whether it was told.
create table crm_redactions (
  id uuid primary key,
  redaction_id uuid not null references redactions on delete cascade,
  connection_id uuid not null references crm_connections on delete cascade,
  ticket_id uuid not null references tickets,
  what text not null check (what in ('case', 'note', 'lead')),
  note_id uuid references notes,
  state text not null check (state in ('due', 'done', 'not_possible')),
  -- Why it is not possible.
  detail text,
  updated_at timestamptz not null,
  check ((what = 'note') = (note_id is not null))
);
create index crm_redactions_ticket on crm_redactions (ticket_id, connection_id);
create index crm_redactions_redaction on crm_redactions (redaction_id);
create index crm_redactions_note on crm_redactions (note_id) where note_id is not null;
create index crm_redactions_connection on crm_redactions (connection_id);
-- True while the CRM may still have text that was taken out: what it shows of it is not stored.
alter table crm_mirrors add column redacting boolean not null default false;
create index crm_changes_ticket on crm_changes ((outcome ->> 'ticket_id'));

-- Beside leads: a work order, or another workflow of the desk.
alter table conversions rename column lead to details;
alter table conversions
  -- What somebody else calls it.
  add column reference text,
  drop constraint conversions_became_check,
  add constraint conversions_became_check check (became in ('lead', 'job', 'workflow'));

-- The parts of a batch are kept under the key of the whole, each with its number.
alter table idempotency_keys
  drop constraint idempotency_keys_key_check,
  add constraint idempotency_keys_key_check check (length(key) <= 260);

-- One operation on many tickets, as a job. The rights are those of who asked, and no more than they had then.
create table bulk_jobs (
  job_id uuid primary key references jobs on delete cascade,
  operation text not null,
  body jsonb not null,
  started_by uuid not null,
  permissions text[] not null
);
-- Each ticket once. The outcome is written in the transaction of the effect; null until then.
create table bulk_items (
  job_id uuid not null references bulk_jobs on delete cascade,
  seq integer not null,
  -- As it was asked for: there need be no such ticket.
  ticket_id uuid not null,
  status smallint,
  -- The ticket's version then.
  version integer,
  -- A problem's code and detail.
  code text,
  detail text,
  done_at timestamptz,
  primary key (job_id, seq),
  unique (job_id, ticket_id)
);
create index bulk_items_waiting on bulk_items (job_id, seq) where status is null;
create index bulk_items_refused on bulk_items (job_id, seq) where status >= 400;
