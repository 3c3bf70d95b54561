-- How the CRM of a connection signs its webhooks. Without a row, the connection takes none.
create table crm_hooks (
  connection_id uuid primary key references crm_connections on delete cascade,
  scheme text not null,
  -- Sealed with the secret key of the configuration, for the purpose "crm_hook:<id>".
  sealed_secret bytea not null,
  last_received_at timestamptz,
  version integer not null default 1
);

-- The cases that webhooks named. A row stays a while after it was taken, so that the same webhook is not taken twice.
create table crm_inbox (
  connection_id uuid not null references crm_connections on delete cascade,
  -- The sender's id of the webhook, or one made of its text and time.
  hook_id text not null,
  case_id text not null,
  received_at timestamptz not null,
  taken_at timestamptz,
  primary key (connection_id, hook_id, case_id)
);
create index crm_inbox_waiting on crm_inbox (received_at) where taken_at is null;
create index crm_inbox_waiting_of on crm_inbox (connection_id) where taken_at is null;
create index crm_inbox_taken on crm_inbox (received_at) where taken_at is not null;

-- Changes of cases that integrations told us, by their own ids: told again, a change has the same outcome and no effect.
create table crm_changes (
  connection_id uuid not null references crm_connections on delete cascade,
  change_id text not null,
  -- Null only inside the transaction that works on it.
  outcome jsonb,
  received_at timestamptz not null,
  primary key (connection_id, change_id)
);
create index crm_changes_received on crm_changes (received_at);
