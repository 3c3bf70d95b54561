-- The agents whom a note mentions, as far as they might see the ticket then.
alter table notes add column mentions uuid[] not null default '{}';

-- What somebody has begun to reply: one for each ticket and author, nobody else's business, and never a note.
create table reply_drafts (
  ticket_id uuid not null references tickets on delete cascade,
  author_id uuid not null,
  visibility text not null check (visibility in ('public', 'internal')),
  body text not null,
  updated_at timestamptz not null,
  primary key (ticket_id, author_id)
);
create index reply_drafts_updated on reply_drafts (updated_at);

-- Texts that are sent again and again, with placeholders.
create table canned_replies (
  id uuid primary key,
  name text not null check (name <> ''),
  audience text not null check (audience in ('personal', 'department', 'desk')),
  -- Who made it, and alone sees it while it is personal.
  owner_id uuid not null,
  department_id uuid references departments,
  body text not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((audience = 'department') = (department_id is not null))
);
create index canned_replies_name on canned_replies (lower(name), id);
create index canned_replies_owner on canned_replies (owner_id) where audience = 'personal';

-- Actions that are done together under a name.
create table macros (
  id uuid primary key,
  name text not null check (name <> ''),
  description text not null,
  -- [{"operation": "transition", "body": {...}}]: as for a batch, with placeholders.
  actions jsonb not null,
  active boolean not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index macros_name on macros (lower(name));

-- The one that every desk begins with; an administrator may change or delete it.
insert into macros (id, name, description, actions, active, created_at, updated_at) values (
  '0199f0c2-b1c9-7000-8000-000000000201', 'Close ticket and Survey',
  'Closes the ticket with your resolution, and asks the customer how satisfied they are.',
  '[{"operation": "transition", "body": {"category": "closed", "resolution": "{{ input.resolution }}"}},
    {"operation": "survey", "body": {}}]',
  true, now(), now());
