create table crm_connections (
  id uuid primary key,
  name text not null unique,
  kind text not null check (kind in ('suitecrm')),
  base_url text not null,
  client_id text not null,
  -- Sealed with the secret key of the configuration, for the purpose "crm:<id>".
  sealed_secret bytea not null,
  -- Field names, value maps, policies: what differs from the defaults of this kind of CRM.
  settings jsonb not null default '{}',
  state text not null default 'active' check (state in ('active', 'paused')),
  -- Why it is paused.
  reason text,
  -- Up to where the CRM's changes were read, on the CRM's clock.
  watermark timestamptz not null,
  -- When to poll next; while somebody polls, when their lease ends.
  poll_at timestamptz not null default now(),
  poll_fence bigint not null default 0,
  -- Failures in a row that looked like an outage, and no call before this time because of them.
  failures integer not null default 0,
  not_before timestamptz,
  last_success_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index crm_connections_poll on crm_connections (poll_at) where state = 'active';

-- One row for each ticket and connection: where its case is, and what both sides last agreed on.
create table crm_mirrors (
  ticket_id uuid not null references tickets,
  connection_id uuid not null references crm_connections on delete cascade,
  -- pending: no case yet; parked: waits for somebody; detached: the ticket was deleted, the case stays;
  -- deleted: the case was deleted in the CRM.
  state text not null default 'pending' check (state in ('pending', 'linked', 'parked', 'detached', 'deleted')),
  remote_id text,
  -- Counts the cases that were made for the ticket: the id of a deleted case cannot be used again.
  generation integer not null default 0,
  -- Since when something is to be done. Each mark increases dirty_seq; the work done clears what it has seen.
  dirty_since timestamptz,
  dirty_seq bigint not null default 0,
  -- Compare what no feed shows too: notes and related contacts.
  full_check boolean not null default false,
  agreement jsonb not null default '{"base": {}, "altered": {}}',
  -- Fields that were sent and whose arrival is not known yet.
  sent jsonb,
  -- The case as the CRM showed it last.
  last_remote jsonb,
  remote_modified_at timestamptz,
  -- The contact that is related to the case.
  contact_synced uuid,
  notes_synced_up_to integer not null default 0,
  attempts integer not null default 0,
  -- The number of the attempt that holds the lease; what an older one reports is refused.
  fence bigint not null default 0,
  leased_until timestamptz,
  next_attempt_at timestamptz not null default now(),
  last_error text,
  error_class text,
  last_synced_at timestamptz,
  primary key (ticket_id, connection_id)
);
create unique index crm_mirrors_remote on crm_mirrors (connection_id, remote_id);
create index crm_mirrors_due on crm_mirrors (next_attempt_at)
  where dirty_since is not null and state in ('pending', 'linked');
create index crm_mirrors_by_state on crm_mirrors (connection_id, state, ticket_id);
create index crm_mirrors_backlog on crm_mirrors (connection_id, dirty_since)
  where dirty_since is not null and state in ('pending', 'linked');

-- Which note is which. A note that came in is never sent out, and the other way round.
create table crm_note_links (
  connection_id uuid not null references crm_connections on delete cascade,
  note_id uuid not null references notes,
  ticket_id uuid not null references tickets,
  remote_id text not null,
  direction text not null check (direction in ('out', 'in')),
  primary key (connection_id, note_id),
  unique (connection_id, remote_id)
);
create index crm_note_links_ticket on crm_note_links (ticket_id, connection_id);

-- Which person, company or product of the desk is which record of the CRM.
create table crm_links (
  connection_id uuid not null references crm_connections on delete cascade,
  kind text not null check (kind in ('agent', 'account', 'contact', 'product')),
  local_id uuid not null,
  remote_id text not null check (remote_id <> ''),
  primary key (connection_id, kind, local_id),
  unique (connection_id, kind, remote_id)
);

-- Where one side's value had to give way, or has to once somebody decides.
create table crm_conflicts (
  id uuid primary key,
  ticket_id uuid not null,
  connection_id uuid not null,
  field text not null,
  base text,
  desk text not null,
  crm text not null,
  -- Null while it is held.
  winner text check (winner in ('desk', 'crm')),
  -- The rule that decided, such as desk_owned, first_link, policy:latest, or refused.
  policy text not null,
  -- Why the desk refused the CRM's value.
  reason text,
  losing_value text,
  -- What somebody decided about a held conflict; the next pass carries it out.
  decision text check (decision in ('desk', 'crm')),
  created_at timestamptz not null,
  resolved_at timestamptz,
  foreign key (ticket_id, connection_id) references crm_mirrors on delete cascade
);
create unique index crm_conflicts_open on crm_conflicts (ticket_id, connection_id, field) where resolved_at is null;
create index crm_conflicts_connection on crm_conflicts (connection_id, id);
