-- When business time passes.
create table calendars (
  id uuid primary key,
  name text not null,
  time_zone text not null,
  -- [{"day": "mon", "from": "09:00", "to": "17:00"}]: without any, no time would ever pass.
  week jsonb not null check (jsonb_array_length(week) > 0),
  -- Days with windows of their own, by date; a holiday has none.
  exceptions jsonb not null default '[]',
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index calendars_name on calendars (lower(name));
create index calendars_list on calendars (lower(name), id);

-- Each version of a calendar: what was measured by it can be explained later.
create table calendar_versions (
  calendar_id uuid not null references calendars on delete cascade,
  version integer not null,
  document jsonb not null,
  primary key (calendar_id, version)
);

-- The service agreement that the customer has, by its name; null: none.
alter table accounts add column agreement text check (agreement <> '');

create table sla_policies (
  id uuid primary key,
  name text not null,
  -- The first active policy that fits a ticket is the ticket's.
  rank integer not null,
  active boolean not null default true,
  calendar_id uuid not null references calendars,
  -- What tickets it is for, its targets, and who is told.
  terms jsonb not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index sla_policies_name on sla_policies (lower(name));
create index sla_policies_rank on sla_policies (rank, id);

create table sla_policy_versions (
  policy_id uuid not null references sla_policies,
  version integer not null,
  document jsonb not null,
  changed_by uuid not null,
  changed_by_name text not null,
  changed_at timestamptz not null,
  primary key (policy_id, version)
);

-- Counts the changes of policies and calendars: clocks that were derived by an earlier state are derived anew.
create table sla_revision (
  singleton boolean primary key default true check (singleton),
  revision bigint not null default 1
);
insert into sla_revision default values;

-- What the clocks know of a ticket.
create table sla_tickets (
  ticket_id uuid primary key references tickets on delete cascade,
  -- The ticket's events up to this version are in the ledger.
  applied_version integer not null default 0,
  -- When something happened that is not in it yet.
  stale_since timestamptz,
  -- The state of policies and calendars by which the clocks were derived.
  revision bigint not null default 0,
  -- Some clock has not ended.
  open boolean not null default false,
  account_id uuid references accounts,
  policy_id uuid references sla_policies,
  -- Priority, type, department, status and the like, as of the applied version.
  facts jsonb not null default '{}'
);
create index sla_tickets_stale on sla_tickets (stale_since) where stale_since is not null;
create index sla_tickets_revision on sla_tickets (revision) where open;
create index sla_tickets_account on sla_tickets (account_id) where open;
create index sla_tickets_policy on sla_tickets (policy_id);

-- What happened to the clocks of a ticket: everything else is derived from it.
create table sla_ledger (
  ticket_id uuid not null references sla_tickets on delete cascade,
  seq integer not null,
  metric text not null check (metric in ('first_response', 'next_response', 'resolution')),
  -- 1, 2, 3 ... of the metric: a reopened ticket has a new cycle.
  cycle integer not null,
  kind text not null,
  at timestamptz not null,
  detail jsonb not null default '{}',
  primary key (ticket_id, seq)
);
create trigger sla_ledger_append_only before update on sla_ledger
  for each row execute function refuse_change();

-- What the ledger says of each clock, as far as it does not depend on the present time.
create table sla_clocks (
  ticket_id uuid not null references sla_tickets on delete cascade,
  metric text not null check (metric in ('first_response', 'next_response', 'resolution')),
  cycle integer not null,
  state text not null check (state in ('running', 'paused', 'stopped', 'fulfilled')),
  started_at timestamptz not null,
  ended_at timestamptz,
  -- By what it is measured; null: by nothing.
  policy_id uuid,
  policy_version integer,
  calendar_id uuid,
  calendar_version integer,
  due_at timestamptz,
  breached_at timestamptz,
  -- When something is to be told that was not told yet: a warning, or a breach.
  check_at timestamptz,
  primary key (ticket_id, metric, cycle),
  foreign key (policy_id, policy_version) references sla_policy_versions (policy_id, version),
  foreign key (calendar_id, calendar_version) references calendar_versions (calendar_id, version)
);
create index sla_clocks_check on sla_clocks (check_at) where check_at is not null;
create index sla_clocks_policy on sla_clocks (policy_id, policy_version);
create index sla_clocks_calendar on sla_clocks (calendar_id, calendar_version);

-- What is open gets its clocks from its history.
insert into sla_tickets (ticket_id, stale_since, account_id)
  select id, now(), account_id from tickets
   where deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
