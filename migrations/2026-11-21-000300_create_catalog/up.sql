create table products (
  id uuid primary key,
  name text not null,
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index products_name on products (lower(name));

create table account_products (
  account_id uuid not null references accounts,
  product_id uuid not null references products,
  primary key (account_id, product_id)
);
create index account_products_product on account_products (product_id);

create table categories (
  id uuid primary key,
  name text not null,
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index categories_name on categories (lower(name));

create table ticket_types (
  key text primary key,
  name text not null
);
insert into ticket_types values
  ('question', 'Question'), ('incident', 'Incident'), ('problem', 'Problem'), ('request', 'Service request');

-- A ticket's component decides the support level and the department that own it.
create table components (
  id uuid primary key,
  product_id uuid not null references products,
  name text not null,
  covers text not null default '',
  level text not null check (level in ('L1', 'L2', 'external')),
  department_id uuid not null references departments,
  -- The external process that tickets of this component follow.
  process text,
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (process is null or level = 'external')
);
create unique index components_name on components (product_id, lower(name));
-- The order of lists over every product.
create index components_by_name on components (lower(name), id);
create index components_department on components (department_id);

create table processes (
  key text primary key,
  name text not null,
  -- [{"step": 1, "do": "...", "check": "side_conversation"}]
  steps jsonb not null
);
alter table components add foreign key (process) references processes;
