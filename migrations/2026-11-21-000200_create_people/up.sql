create table departments (
  id uuid primary key,
  name text not null,
  workflow_id uuid not null references workflows,
  -- Takes the tickets that no component routes.
  is_default boolean not null default false,
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index departments_name on departments (lower(name));
create unique index departments_one_default on departments (is_default) where is_default;

create table accounts (
  id uuid primary key,
  name text not null,
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index accounts_name on accounts (lower(name));

create table contacts (
  id uuid primary key,
  name text not null,
  email text not null,
  phone text,
  language text not null default 'en',
  time_zone text not null default 'UTC',
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- The order of lists.
create index contacts_name on contacts (lower(name), id);
create unique index contacts_email on contacts (lower(email));

create table contact_accounts (
  contact_id uuid not null references contacts,
  account_id uuid not null references accounts,
  primary key (contact_id, account_id)
);
create index contact_accounts_account on contact_accounts (account_id);

create table agents (
  id uuid primary key,
  name text not null,
  email text not null,
  role text not null check (role in ('agent', 'coordinator', 'admin')),
  -- Granted beside those of the role.
  permissions text[] not null default '{}',
  levels text[] not null default '{}' check (levels <@ array['L1', 'L2', 'external']),
  -- Null: every one. Otherwise assignment considers the agent for these only.
  product_ids uuid[],
  category_ids uuid[],
  type_keys text[],
  time_zone text not null default 'UTC',
  -- [{"day": "mon", "from": "09:00", "to": "17:00"}]; null: always on duty.
  working_hours jsonb,
  away boolean not null default false,
  -- On leave until then; null: not on leave.
  leave_until timestamptz,
  capacity integer not null default 20 check (capacity >= 0),
  -- Kept by a trigger on tickets, so that it always equals a recount.
  open_tickets integer not null default 0 check (open_tickets >= 0),
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index agents_name on agents (lower(name), id);
create unique index agents_email on agents (lower(email));

create table agent_departments (
  agent_id uuid not null references agents,
  department_id uuid not null references departments,
  primary key (agent_id, department_id)
);
create index agent_departments_department on agent_departments (department_id);
