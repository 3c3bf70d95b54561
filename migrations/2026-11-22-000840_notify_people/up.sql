-- What people want to be told of, and how. Who never said anything has no row.
create table notification_preferences (
  agent_id uuid unique references agents on delete cascade,
  contact_id uuid unique references contacts on delete cascade,
  person_id uuid primary key generated always as (coalesce(agent_id, contact_id)) stored,
  -- {"channels": {"watched": ["feed"]}, "digest": "daily", "daily_at": "08:00",
  --  "quiet_hours": {"from": "22:00", "to": "07:00"}, "language": "de"}; what is absent is as by default.
  preferences jsonb not null,
  version integer not null default 1,
  updated_at timestamptz not null,
  check (num_nonnulls(agent_id, contact_id) = 1)
);

-- Departments whose mails go to an address of their own, and not to each of their agents.
create table department_mailboxes (
  department_id uuid primary key references departments on delete cascade,
  -- Null: to the agents after all.
  email text,
  language text not null,
  version integer not null default 1,
  updated_at timestamptz not null
);

-- Who is told of which event. No text is kept here: what happened is read from the event, its ticket and its note, so what was
-- redacted there is nowhere else.
create table notifications (
  id uuid primary key,
  agent_id uuid references agents on delete cascade,
  contact_id uuid references contacts on delete cascade,
  person_id uuid not null generated always as (coalesce(agent_id, contact_id)) stored,
  -- The event.
  position bigint not null references events (position),
  ticket_id uuid not null references tickets on delete cascade,
  note_id uuid references notes on delete cascade,
  kind text not null,
  -- It is shown in the feed; otherwise it is here for its mail.
  in_feed boolean not null,
  read_at timestamptz,
  -- Its mail waits for the end of quiet hours, or for a digest.
  mail_waits boolean not null,
  created_at timestamptz not null,
  check (num_nonnulls(agent_id, contact_id) = 1),
  -- Nobody is told twice of an event.
  constraint notifications_once unique (person_id, position)
);
create index notifications_feed on notifications (person_id, position desc) where in_feed;
create index notifications_unread on notifications (person_id, position desc) where in_feed and read_at is null;
create index notifications_waiting on notifications (person_id, position) where mail_waits;
create index notifications_age on notifications (created_at) where not mail_waits;
create index notifications_ticket on notifications (ticket_id);
create index notifications_note on notifications (note_id) where note_id is not null;
create index notifications_contact on notifications (contact_id) where contact_id is not null;

-- People for whom mails wait, and until when.
create table waiting_mails (
  agent_id uuid references agents on delete cascade,
  contact_id uuid references contacts on delete cascade,
  person_id uuid primary key generated always as (coalesce(agent_id, contact_id)) stored,
  due_at timestamptz not null,
  check (num_nonnulls(agent_id, contact_id) = 1)
);
create index waiting_mails_due on waiting_mails (due_at);

-- Up to which position of the feed people were told. Of what happened before, nobody is.
create table notification_cursor (
  singleton boolean primary key default true check (singleton),
  position bigint not null
);
insert into notification_cursor (position) select last_position from event_feed;
