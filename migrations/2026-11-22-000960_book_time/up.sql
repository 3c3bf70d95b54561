-- What agents worked on tickets.
create table time_entries (
  id uuid primary key,
  -- The ticket that it was booked on; a merge moves nothing.
  ticket_id uuid not null references tickets,
  agent_id uuid not null references agents,
  minutes integer not null check (minutes between 1 and 1440),
  chargeable boolean not null,
  note text,
  -- The day of the work by the agent's clock.
  work_date date not null,
  -- A timer was forgotten: it was booked with the most that a timer counts.
  capped boolean not null default false,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
-- The order of lists, and the periods of totals.
create index time_entries_date on time_entries (work_date, id);
create index time_entries_ticket on time_entries (ticket_id, work_date, id);
create index time_entries_agent on time_entries (agent_id, work_date, id);

-- What an hour costs: for an account, or for each that has no rate of its own.
create table hourly_rates (
  id uuid primary key,
  -- Null: the desk's own rate.
  account_id uuid references accounts,
  -- In the minor unit of the currency.
  per_hour bigint not null check (per_hour between 0 and 1000000000),
  -- ISO 4217.
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- The first day of work that it is for; until the next one of the same account.
  valid_from date not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index hourly_rates_once
  on hourly_rates (coalesce(account_id, '00000000-0000-0000-0000-000000000000'), valid_from);
create index hourly_rates_account on hourly_rates (account_id, valid_from desc);

-- Timers that run: one for each agent at the most.
create table timers (
  agent_id uuid primary key references agents,
  ticket_id uuid not null references tickets,
  started_at timestamptz not null,
  chargeable boolean not null,
  note text
);
create index timers_started on timers (started_at);
create index timers_ticket on timers (ticket_id);
