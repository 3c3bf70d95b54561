alter table crm_connections
  -- Tickets whose mirroring failed since the CRM last did what it was asked: one that always fails is no outage.
  add column suspects uuid[] not null default '{}',
  -- While one attempt finds out whether an outage is over: until when no other is made.
  add column trial_until timestamptz,
  -- Attempts at a time after the CRM asked for fewer requests, and since when; null: as many as the settings say.
  add column allowed integer check (allowed > 0),
  add column slowed_at timestamptz,
  -- Paused because the CRM refused the credentials: new ones end the pause.
  add column refused boolean not null default false;

-- When the last error happened.
alter table crm_mirrors add column failed_at timestamptz;

-- What is due is taken for each connection by itself, as long as fewer of its mirrors are leased than may be.
drop index crm_mirrors_due;
create index crm_mirrors_due on crm_mirrors (connection_id, priority, next_attempt_at)
  where dirty_since is not null and state in ('pending', 'linked');
create index crm_mirrors_leased on crm_mirrors (connection_id) where leased_until is not null;

-- How many attempts ended how, by minute. Every process adds what it counted, every few seconds.
create table crm_outcomes (
  connection_id uuid not null references crm_connections on delete cascade,
  minute timestamptz not null,
  -- 'converged', or the class of the error.
  outcome text not null,
  -- Of what converged: the class of the time from change to agreement; 0 otherwise.
  lag_class integer not null default 0,
  count bigint not null,
  primary key (connection_id, minute, outcome, lag_class)
);
