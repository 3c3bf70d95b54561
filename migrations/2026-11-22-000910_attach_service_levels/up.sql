-- What clocks do in a status, and from when on: what happened before a change keeps the meaning that it had.
create table status_meanings (
  workflow_id uuid not null references workflows on delete cascade,
  code text not null,
  since timestamptz not null,
  sla text not null check (sla in ('not_started', 'running', 'paused', 'stopped')),
  -- Kept when the status is gone: tickets have been in it.
  primary key (workflow_id, code, since)
);
insert into status_meanings (workflow_id, code, since, sla)
  select workflow_id, code, timestamptz '1970-01-01 00:00:00+00', sla from statuses;

-- By which policy the ticket is measured, whatever that one's conditions say; null: by the first that fits.
alter table tickets add column sla_policy_id uuid references sla_policies;
create index tickets_sla_policy on tickets (sla_policy_id, created_at, id) where sla_policy_id is not null;
