-- Addresses that are told what happens.
create table webhooks (
  id uuid primary key,
  name text not null,
  url text not null,
  -- Types of events, or groups of them as "ticket.*"; none: all.
  types text[] not null,
  -- Of tickets of these accounts, and of these departments; none: all, and what is about no ticket.
  account_ids uuid[] not null,
  department_ids uuid[] not null,
  active boolean not null,
  -- Why the service itself switched it off.
  disabled_reason text check (disabled_reason in ('gone')),
  sealed_secret bytea not null,
  -- The secret before, which signs too for a while.
  sealed_previous bytea,
  previous_until timestamptz,
  -- Up to where of the feed its deliveries are queued.
  position bigint not null,
  -- Who delivers, and until when: one at a time.
  fence bigint not null default 0,
  lease_until timestamptz,
  -- It asked to be left alone until then.
  rest_until timestamptz,
  -- Attempts in a row that failed.
  failures integer not null default 0,
  delivered_at timestamptz,
  created_by uuid not null,
  created_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1,
  check ((sealed_previous is null) = (previous_until is null)),
  check (not (active and disabled_reason is not null))
);

-- An event for a webhook. What is sent is made of the event each time.
create table webhook_deliveries (
  id uuid primary key,
  webhook_id uuid not null references webhooks on delete cascade,
  -- The event; null for a test.
  position bigint references events (position),
  type text not null,
  ticket_id uuid,
  ticket_version integer,
  state text not null default 'queued' check (state in ('queued', 'delivered', 'dead')),
  -- Attempts that were begun: what an older one reports changes nothing.
  attempts integer not null default 0,
  -- Those that failed since it was queued.
  failures integer not null default 0,
  due_at timestamptz not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  unique (webhook_id, position),
  check ((state = 'queued') = (ended_at is null))
);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at, position) where state = 'queued';
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, id);
create index webhook_deliveries_ticket on webhook_deliveries (ticket_id) where ticket_id is not null;
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where state <> 'queued';

-- One attempt to deliver. It is here before it is made; without an end, nobody knows whether it arrived.
create table webhook_attempts (
  delivery_id uuid not null references webhook_deliveries on delete cascade,
  attempt integer not null,
  started_at timestamptz not null,
  duration_ms integer,
  status integer,
  error text,
  -- The beginning of the answer's body.
  response text,
  primary key (delivery_id, attempt)
);
