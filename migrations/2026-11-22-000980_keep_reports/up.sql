-- What reports count: derived from the history of a ticket as a whole, and written anew as a whole whenever something happened
-- to the ticket. So nothing has to be taken back when a merge is undone or a ticket restored.
create table report_tickets (
  ticket_id uuid primary key references tickets on delete cascade,
  -- The ticket's events up to this version are in its rows.
  applied_version integer not null,
  -- What it is now: a ticket that goes elsewhere takes its past along.
  account_id uuid,
  department_id uuid not null,
  agent_id uuid,
  product_id uuid,
  component_id uuid,
  deleted boolean not null,
  opened_at timestamptz not null,
  -- The desk's first public reply.
  responded_at timestamptz,
  response_seconds bigint,
  response_business_seconds bigint,
  check ((responded_at is null) = (response_seconds is null)
    and (responded_at is null) = (response_business_seconds is null))
);
create index report_tickets_opened on report_tickets (opened_at);
create index report_tickets_responded on report_tickets (responded_at);

-- Each time that a ticket was open: from its submission or its reopening until it was closed.
create table report_cycles (
  ticket_id uuid not null references report_tickets on delete cascade,
  cycle integer not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  -- It was closed by a merge, which solved nothing.
  merged boolean not null,
  -- Who had it when it was closed.
  agent_id uuid,
  seconds bigint,
  business_seconds bigint,
  -- The beginning of the next cycle.
  reopened_at timestamptz,
  primary key (ticket_id, cycle),
  check ((closed_at is null) = (seconds is null) and (closed_at is null) = (business_seconds is null)
    and (closed_at is not null or (reopened_at is null and agent_id is null and not merged)))
);
create index report_cycles_opened on report_cycles (opened_at);
create index report_cycles_closed on report_cycles (closed_at);

-- Each time that a ticket was given to an agent.
create table report_assignments (
  ticket_id uuid not null references report_tickets on delete cascade,
  seq integer not null,
  agent_id uuid not null,
  assigned_at timestamptz not null,
  primary key (ticket_id, seq)
);
create index report_assignments_assigned on report_assignments (assigned_at);

-- Up to which position of the feed the rows above are right.
create table report_cursor (
  singleton boolean primary key default true check (singleton),
  position bigint not null default 0
);
insert into report_cursor default values;

-- What every status is or was: a status that a workflow has no more still says what tickets were in it.
create table report_statuses (
  workflow_id uuid not null,
  code text not null,
  category text not null,
  primary key (workflow_id, code)
);
insert into report_statuses select workflow_id, code, category from statuses;
create function keep_report_status() returns trigger language plpgsql as $$
begin
  insert into report_statuses values (new.workflow_id, new.code, new.category)
    on conflict (workflow_id, code) do update set category = excluded.category;
  return null;
end $$;
create trigger keep_report_status after insert or update of category on statuses
  for each row execute function keep_report_status();

create index surveys_asked on surveys (asked_at);
create index sla_clocks_started on sla_clocks (started_at);
