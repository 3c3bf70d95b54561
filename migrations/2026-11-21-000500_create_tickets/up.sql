create sequence ticket_number start 1000;

create table tickets (
  id uuid primary key,
  number bigint not null unique default nextval('ticket_number'),
  workflow_id uuid not null references workflows,
  status text not null,
  category text not null,
  subject text not null check (length(subject) <= 255),
  description text not null,
  url text,
  -- 1 low, 2 normal, 3 high, 4 critical: a number, so that it sorts.
  priority smallint not null default 2 check (priority between 1 and 4),
  type_key text not null default 'question' references ticket_types,
  account_id uuid references accounts,
  contact_id uuid references contacts,
  product_id uuid references products,
  category_id uuid references categories,
  component_id uuid references components,
  department_id uuid not null references departments,
  level text not null check (level in ('L1', 'L2', 'external')),
  assignee_id uuid references agents,
  deadline timestamptz,
  source text not null check (source in ('portal', 'api', 'email', 'phone', 'crm')),
  external_id text,
  tags text[] not null default '{}',
  -- Who opened it: a contact, an agent (on behalf of the contact) or a client.
  opened_by uuid not null,
  opened_by_role text not null,
  resolution text,
  vendor_reference text,
  note_count integer not null default 0,
  reopen_count integer not null default 0,
  submitted_at timestamptz,
  closed_at timestamptz,
  deleted_at timestamptz,
  -- When the workflow's automatic transition is due; null when none is.
  automatic_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (workflow_id, status, category) references statuses (workflow_id, code, category),
  unique (source, external_id),
  check (category = 'draft' or account_id is not null),
  check (category = 'draft' or product_id is not null or category_id is not null),
  check (category <> 'closed' or closed_at is not null),
  check (category <> 'draft' or assignee_id is null)
);

-- The orders that lists offer; id breaks ties. Lists read these backwards too.
create index tickets_by_created on tickets (created_at, id) where deleted_at is null;
create index tickets_by_updated on tickets (updated_at, id) where deleted_at is null;
create index tickets_by_priority on tickets (priority, id) where deleted_at is null;
create index tickets_open_by_created on tickets (created_at, id)
  where deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
create index tickets_account on tickets (account_id, created_at, id) where deleted_at is null;
create index tickets_contact on tickets (contact_id, created_at, id) where deleted_at is null;
create index tickets_department on tickets (department_id, category, created_at, id) where deleted_at is null;
create index tickets_assignee on tickets (assignee_id, created_at, id) where deleted_at is null;
-- What an agent has to do; an agent has few of them beside many closed ones.
create index tickets_assignee_open on tickets (assignee_id, created_at, id)
  where deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
create index tickets_status on tickets (status, created_at, id) where deleted_at is null;
create index tickets_component on tickets (component_id, created_at, id) where deleted_at is null;
create index tickets_automatic on tickets (automatic_at) where automatic_at is not null;
create index tickets_waiting on tickets (department_id, level, priority desc, created_at)
  where assignee_id is null and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');

create function counts_as_open(category text, deleted_at timestamptz) returns boolean
  language sql immutable as $$ select deleted_at is null and category in ('new', 'open', 'pending', 'on_hold') $$;

-- An agent's load: the open tickets assigned to them. Whoever changes a ticket, the load follows.
create function keep_agent_load() returns trigger language plpgsql as $$
declare
  before uuid := case when tg_op = 'UPDATE' and counts_as_open(old.category, old.deleted_at) then old.assignee_id end;
  after uuid := case when counts_as_open(new.category, new.deleted_at) then new.assignee_id end;
begin
  if before is distinct from after then
    -- Locked in the order of their ids, as assignment locks its candidates: no deadlock.
    perform from agents where id in (before, after) order by id for no key update;
    update agents set open_tickets = open_tickets - 1 where id = before;
    update agents set open_tickets = open_tickets + 1 where id = after;
  end if;
  return null;
end $$;

create trigger keep_agent_load_on_insert after insert on tickets
  for each row when (new.assignee_id is not null) execute function keep_agent_load();
create trigger keep_agent_load_on_update after update on tickets
  for each row when (old.assignee_id is distinct from new.assignee_id
    or old.category <> new.category or old.deleted_at is distinct from new.deleted_at)
  execute function keep_agent_load();

-- The originals never change: what was said stays said.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger tickets_keep_original before update of subject, description on tickets
  for each row when (old.category <> 'draft'
    and (old.subject <> new.subject or old.description <> new.description))
  execute function refuse_change();

create table notes (
  id uuid primary key,
  ticket_id uuid not null references tickets,
  -- 1, 2, 3 ... within the ticket: the chronological order.
  seq integer not null,
  visibility text not null check (visibility in ('public', 'internal')),
  channel text not null check (channel in ('portal', 'api', 'email', 'phone', 'crm')),
  author_id uuid not null,
  author_role text not null,
  author_name text not null,
  body text not null check (body <> ''),
  created_at timestamptz not null,
  unique (ticket_id, seq)
);
create trigger notes_append_only before update or delete on notes
  for each row execute function refuse_change();

-- Why a ticket went to this agent (or to nobody): one row for each decision.
create table assignments (
  id uuid primary key,
  ticket_id uuid not null references tickets,
  agent_id uuid references agents,
  previous_agent_id uuid references agents,
  -- least_loaded, manual, self, crm, waiting
  rule text not null,
  reason text,
  -- [{"agent_id": ..., "name": ..., "load": 3, "capacity": 20, "verdict": "eligible"}]
  candidates jsonb not null,
  decided_by uuid not null,
  decided_by_name text not null,
  decided_at timestamptz not null
);
create index assignments_ticket on assignments (ticket_id, id);

create table elevations (
  id uuid primary key,
  ticket_id uuid not null references tickets,
  from_level text not null,
  to_level text not null,
  reason text not null,
  tried text not null,
  elevated_by uuid not null,
  elevated_by_name text not null,
  elevated_at timestamptz not null
);
create index elevations_ticket on elevations (ticket_id, id);
