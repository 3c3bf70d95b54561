-- Work that takes longer than a request: done in steps, by any process, and gone on with after a crash.
create table jobs (
  id uuid primary key,
  -- Which steps; a process takes only the kinds that it knows.
  kind text not null,
  -- What it is about, such as "crm_connection/<id>".
  subject text not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  -- What was asked for, in the kind's own words.
  options jsonb not null default '{}',
  -- Where the next step begins, in the kind's own words. Saved together with what a step did.
  cursor jsonb,
  done bigint not null default 0,
  -- Null until it is known.
  total bigint,
  found bigint not null default 0,
  -- Why nothing is done for the moment.
  waits_for text,
  error text,
  -- Steps in a row that failed by a fault of the service.
  attempts integer not null default 0,
  -- When the next step is due; while somebody works on it, when their lease ends.
  run_at timestamptz not null default now(),
  -- The number of the turn that holds the lease; what an older one reports is refused.
  fence bigint not null default 0,
  started_by uuid not null,
  started_by_name text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  check ((finished_at is null) = (state in ('queued', 'running')))
);
-- One at a time for each thing.
create unique index jobs_active on jobs (kind, subject) where state in ('queued', 'running');
create index jobs_due on jobs (run_at) where state in ('queued', 'running');
create index jobs_subject on jobs (subject, id);

-- 0: a change at the desk or in the CRM; 1: what a job marked. The former are worked on first.
alter table crm_mirrors add column priority smallint not null default 0;
drop index crm_mirrors_due;
create index crm_mirrors_due on crm_mirrors (priority, next_attempt_at)
  where dirty_since is not null and state in ('pending', 'linked');
-- When the last scheduled comparison was started.
alter table crm_connections add column reconciled_at timestamptz;

-- What a comparison of tickets and cases came upon.
create table crm_differences (
  id uuid primary key,
  job_id uuid not null references jobs on delete cascade,
  connection_id uuid not null references crm_connections on delete cascade,
  ticket_id uuid not null references tickets,
  -- The case, if there is or was one.
  remote_id text,
  kind text not null check (kind in ('case_missing', 'case_deleted', 'field', 'contact_missing', 'note_missing_in_crm',
    'note_missing_at_desk', 'note_altered', 'unmapped', 'unreadable')),
  -- Of a field.
  field text,
  -- Of a note: the desk's id, the CRM's id.
  note_id uuid,
  remote_note_id text,
  base text,
  desk text,
  crm text,
  -- What the mirror would do about it.
  action text not null check (action in ('push', 'take', 'conflict', 'create', 'tombstone', 'agree', 'leave', 'tell', 'park')),
  -- Of a conflict, unless it is held.
  winner text check (winner in ('desk', 'crm')),
  detail text,
  -- The ticket or the case had changed, and the mirror was to work on it anyway.
  on_its_way boolean not null,
  -- When the mirror was told to put it right.
  repaired_at timestamptz
);
create index crm_differences_job on crm_differences (job_id, id);
create index crm_differences_ticket on crm_differences (ticket_id);
create index crm_differences_connection on crm_differences (connection_id);
