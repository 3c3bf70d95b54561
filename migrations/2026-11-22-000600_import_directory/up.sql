-- What the directory of a CRM showed last: users (kind agent), accounts, contacts, products. A page is stored here first and
-- matched with the desk afterwards, so that an import can stop anywhere, and a name can be known to be unique.
create table crm_records (
  connection_id uuid not null references crm_connections on delete cascade,
  kind text not null check (kind in ('agent', 'account', 'contact', 'product')),
  remote_id text not null check (remote_id <> ''),
  name text not null,
  email text,
  phone text,
  -- The CRM's id of a contact's account.
  account_id text,
  -- False for a user who has left.
  active boolean not null default true,
  -- The number of the import that listed it last; one that an import of everything did not list was deleted.
  listed_in bigint not null,
  gone boolean not null default false,
  -- The values that were compared with the desk last; null when it is linked to nothing.
  base jsonb,
  -- True while it has not been compared with the desk.
  changed boolean not null default true,
  -- Why it is linked to nothing, or what else somebody should see to.
  reason text,
  -- What it is recognized by.
  match_key text generated always as (lower(case when kind in ('agent', 'contact') then email else name end)) stored,
  primary key (connection_id, kind, remote_id)
);
create index crm_records_due on crm_records (connection_id, kind, remote_id) where changed or reason is not null;
create index crm_records_match_key on crm_records (connection_id, kind, match_key) where not gone;

-- How far the import of each kind is.
create table crm_imports (
  connection_id uuid not null references crm_connections on delete cascade,
  kind text not null check (kind in ('agent', 'account', 'contact', 'product')),
  -- Counts the imports.
  run bigint not null default 0,
  step text not null default 'done' check (step in ('list', 'match', 'done')),
  -- Where the step goes on.
  position text,
  -- What changed since then is listed; null: everything.
  since timestamptz,
  started_at timestamptz,
  -- Everything that changed before this time was listed, and when everything was.
  watermark timestamptz,
  whole_at timestamptz,
  -- Why this kind could not be listed.
  error text,
  listed integer not null default 0,
  created integer not null default 0,
  updated integer not null default 0,
  linked integer not null default 0,
  unmapped integer not null default 0,
  primary key (connection_id, kind)
);
