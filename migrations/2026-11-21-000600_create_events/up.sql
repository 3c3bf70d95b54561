-- The event log. A row is appended in the transaction that made it true; it gets its position when it is
-- published, which is after it was committed: readers of positions can never skip a late commit.
create table events (
  id bigint generated always as identity primary key,
  position bigint unique,
  type text not null,
  -- What it is about: the ticket, or another resource ("account/<id>").
  ticket_id uuid references tickets,
  ticket_version integer,
  subject text not null,
  -- Contacts see public events of their accounts' tickets only.
  public boolean not null,
  actor_id uuid not null,
  actor_role text not null,
  actor_name text not null,
  origin text not null check (origin in ('api', 'crm', 'mail', 'timer')),
  -- {"priority": {"from": "normal", "to": "high"}}
  changes jsonb not null default '{}',
  data jsonb not null default '{}',
  occurred_at timestamptz not null,
  check ((ticket_id is null) = (ticket_version is null))
);
create index events_unpublished on events (id) where position is null;
create unique index events_ticket on events (ticket_id, ticket_version);
create index events_ticket_position on events (ticket_id, position);
create index events_type on events (type, position);

-- A published event never changes, an unpublished one only gets its position.
create trigger events_append_only before update on events
  for each row when (old.position is not null) execute function refuse_change();
create trigger events_never_deleted before delete on events
  for each row execute function refuse_change();

-- One row: the last position given. Its lock makes the relay single.
create table event_feed (
  singleton boolean primary key default true check (singleton),
  last_position bigint not null default 0
);
insert into event_feed default values;
