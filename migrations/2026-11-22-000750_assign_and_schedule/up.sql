-- When the agent is not there: [{"from": "2026-12-24T00:00:00Z", "until": "2026-12-27T00:00:00Z"}].
alter table agents add column leaves jsonb not null default '[]';

-- Somebody decided although the agent was absent, full or not permitted.
alter table assignments add column overridden boolean not null default false;

alter table tickets
  -- Who handed the ticket over when nobody could take it: it waits for anybody but them.
  add column handed_over_by uuid references agents check (handed_over_by is null or assignee_id is null),
  -- When it is to be noticed that the deadline has passed; null when it was noticed, or when there is none.
  add column deadline_check_at timestamptz;

-- The queue in its order, and the first of each kind of ticket that waits: among many that nobody may take, the next one
-- that somebody may take is found by as many steps as there are kinds.
drop index tickets_waiting;
create index tickets_waiting on tickets ((5 - priority), created_at, id) include (department_id, level)
  where assignee_id is null and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
create index tickets_waiting_kinds on tickets (
    department_id, level, type_key,
    coalesce(product_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(category_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(handed_over_by, '00000000-0000-0000-0000-000000000000'),
    priority desc, created_at, id)
  where assignee_id is null and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');

-- Whoever changes a deadline, the new one is watched.
update tickets set deadline_check_at = deadline where deadline > now();
create index tickets_deadline_check on tickets (deadline_check_at) where deadline_check_at is not null;
create function watch_deadline() returns trigger language plpgsql as $$
begin
  new.deadline_check_at := new.deadline;
  return new;
end $$;
create trigger watch_deadline_on_insert before insert on tickets
  for each row when (new.deadline is not null) execute function watch_deadline();
create trigger watch_deadline_on_update before update of deadline on tickets
  for each row when (old.deadline is distinct from new.deadline) execute function watch_deadline();

-- A range of ids, only so that an exclusion constraint can compare agents: the GiST index of PostgreSQL itself knows ranges,
-- but ids only with the extension btree_gist, which not every server has or allows.
create type uuid_range as range (subtype = uuid);

-- When an agent works on a ticket.
create table appointments (
  id uuid primary key,
  ticket_id uuid not null references tickets,
  agent_id uuid not null references agents,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  -- By whose clock it was made.
  time_zone text not null,
  note text,
  -- Minutes before the start; null: no reminder.
  remind_minutes integer check (remind_minutes >= 0),
  -- When the reminder is due; null when it was given, or when there is none.
  remind_at timestamptz,
  -- When it is to be noticed that the agent has not begun; null when it was noticed.
  check_at timestamptz,
  cancelled_at timestamptz,
  made_by uuid not null,
  made_by_name text not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check (starts_at < ends_at),
  constraint appointments_no_overlap exclude using gist (
    uuid_range(agent_id, agent_id, '[]') with =, tstzrange(starts_at, ends_at) with &&
  ) where (cancelled_at is null)
);
create index appointments_ticket on appointments (ticket_id, starts_at, id);
create index appointments_agent on appointments (agent_id, ends_at) where cancelled_at is null;
create index appointments_remind on appointments (remind_at) where remind_at is not null;
create index appointments_check on appointments (check_at) where check_at is not null;

-- A start or a deadline that was missed: one row for each, for the agent and who coordinates.
create table delays (
  id uuid primary key,
  ticket_id uuid not null references tickets,
  agent_id uuid references agents,
  -- Of a missed start; null: the ticket's deadline has passed.
  appointment_id uuid references appointments,
  -- The time that was missed.
  due_at timestamptz not null,
  noticed_at timestamptz not null,
  -- When the customer was told a new time.
  told_at timestamptz
);
create unique index delays_appointment on delays (appointment_id, due_at) where appointment_id is not null;
create unique index delays_deadline on delays (ticket_id, due_at) where appointment_id is null;
create index delays_ticket on delays (ticket_id, told_at);
create index delays_untold on delays (id) where told_at is null;

-- An agent's private address for calendar programs; the secret in it is kept as a SHA-256 hash.
create table calendar_feeds (
  agent_id uuid primary key references agents,
  token_hash bytea not null unique,
  created_at timestamptz not null
);
