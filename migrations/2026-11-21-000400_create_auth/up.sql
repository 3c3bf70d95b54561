-- Keys that sign tokens. The private half is sealed with the secret key of the configuration.
create table signing_keys (
  id text primary key,
  public_key bytea not null,
  sealed_private_key bytea not null,
  created_at timestamptz not null default now(),
  -- Signs nothing from then on, and stays published until its last token has expired.
  retired_at timestamptz,
  -- Published no longer.
  expires_at timestamptz
);
create unique index signing_keys_one_active on signing_keys ((true)) where retired_at is null;

create table clients (
  id uuid primary key,
  name text not null unique,
  -- Argon2id in PHC string format.
  secret_hash text not null,
  scopes text[] not null,
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Everybody who may call, in one place: what authentication reads.
create view principals as
  select a.id, a.name, a.role, a.active, a.permissions,
         array(select d.department_id from agent_departments d where d.agent_id = a.id) as departments,
         '{}'::uuid[] as accounts
    from agents a
  union all
  select c.id, c.name, 'contact', c.active, '{}',
         '{}', array(select m.account_id from contact_accounts m where m.contact_id = c.id)
    from contacts c
  union all
  select k.id, k.name, 'integration', k.active, k.scopes, '{}', '{}'
    from clients k;

-- Answers of POST requests that carried an Idempotency-Key, kept with the effect itself.
create table idempotency_keys (
  caller_id uuid not null,
  key text not null check (length(key) <= 255),
  -- SHA-256 over method, path and body.
  fingerprint bytea not null,
  status smallint not null,
  headers jsonb not null,
  body text not null,
  created_at timestamptz not null default now(),
  primary key (caller_id, key)
);
create index idempotency_keys_created_at on idempotency_keys (created_at);
