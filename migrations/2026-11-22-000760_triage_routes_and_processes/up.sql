-- Severity x impact -> priority: what an administrator edits. One row.
create table triage_matrix (
  singleton boolean primary key default true check (singleton),
  -- Ranks of priorities, row by row: the four impacts of severity 1, then those of severity 2 ...
  priorities smallint[] not null
    check (cardinality(priorities) = 16 and priorities <@ array[1, 2, 3, 4]::smallint[]),
  version integer not null default 1,
  updated_at timestamptz not null default now()
);
insert into triage_matrix (priorities) values ('{4,4,3,3, 4,3,3,2, 3,2,2,1, 2,2,1,1}');

alter table tickets
  -- Triage finds both or none.
  add constraint tickets_triage_whole check ((severity is null) = (impact is null)),
  -- The version of the routing table that the ticket was routed by last.
  add column routing_version integer;
-- The queue of triage, in the order of all queues: most urgent first, then oldest.
create index tickets_untriaged on tickets ((5 - priority), created_at, id)
  where severity is null and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
-- What the matrix decides about; whoever changes it asks how many that are.
create index tickets_triaged on tickets (id)
  where severity is not null and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');

-- The routing table's versions: every change of a component that could lead a ticket elsewhere makes one.
create table routing_versions (
  version integer primary key,
  changed_by uuid not null,
  changed_by_name text not null,
  changed_at timestamptz not null
);
-- The latest version. Whoever makes one locks it, after the components: so versions come one after another.
create table routing_head (
  singleton boolean primary key default true check (singleton),
  version integer not null references routing_versions
);
-- What a component said from one version on, until another.
create table routing_entries (
  component_id uuid not null references components,
  from_version integer not null references routing_versions,
  -- Null: it is what the component says now.
  until_version integer references routing_versions,
  product_id uuid not null references products,
  name text not null,
  level text not null,
  department_id uuid not null references departments,
  process text references processes,
  active boolean not null,
  primary key (component_id, from_version),
  check (until_version > from_version)
);
create unique index routing_entries_present on routing_entries (component_id) where until_version is null;
create index routing_entries_from on routing_entries (from_version);
create index routing_entries_until on routing_entries (until_version);
create index routing_entries_name on routing_entries (lower(name));
insert into routing_versions values (1, '00000000-0000-0000-0000-000000000000', 'Casebridge', now());
insert into routing_head (version) values (1);
insert into routing_entries
  select id, 1, null, product_id, name, level, department_id, process, active from components;

-- Every change of a ticket's level: up, back, or because its component changed.
alter table elevations
  add column kind text not null default 'elevation' check (kind in ('elevation', 'de_elevation', 'rerouting')),
  add column routing_version integer;
alter table elevations alter column kind drop default;

alter table processes
  add column version integer not null default 1,
  add column updated_at timestamptz not null default now();

-- The process that a ticket follows, as it was when the ticket was routed.
create table ticket_processes (
  ticket_id uuid primary key references tickets,
  process text not null,
  name text not null,
  attached_at timestamptz not null,
  -- The ticket's last note at that time: what was said before does not count.
  after_note integer not null
);
create table process_steps (
  ticket_id uuid not null references ticket_processes on delete cascade,
  step integer not null,
  task text not null,
  -- How the service can tell that it was done.
  check_word text not null,
  -- What a person said who did it; null until then, and where the service looks itself.
  done_at timestamptz,
  done_by uuid,
  done_by_name text,
  reference text,
  primary key (ticket_id, step),
  check ((done_at is null) = (done_by is null) and (done_at is null) = (done_by_name is null)
    and (done_at is null) = (reference is null))
);

-- Whom a customer is told to turn to.
alter table accounts
  add column manager_name text,
  add column manager_email text,
  add constraint accounts_manager_whole check ((manager_name is null) = (manager_email is null));
