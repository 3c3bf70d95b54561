-- Mail threads from a ticket to people outside, which the customer never sees.
create table side_conversations (
  id uuid primary key,
  -- The ticket that it was opened on; a merge moves nothing.
  ticket_id uuid not null references tickets on delete cascade,
  subject text not null,
  -- {"to": {"name": "Ann", "email": "ann@vendor.example"}, "cc": []}
  participants jsonb not null,
  state text not null default 'open' check (state in ('open', 'closed')),
  message_count integer not null default 0,
  opened_by uuid not null,
  opened_by_name text not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null,
  check ((state = 'closed') = (closed_at is not null))
);
create index side_conversations_ticket on side_conversations (ticket_id, id);

-- What was said in them. A message is never changed, but for a redaction.
create table side_messages (
  id uuid primary key,
  conversation_id uuid not null references side_conversations on delete cascade,
  -- 1, 2, 3 ... within the conversation.
  seq integer not null,
  -- Of what the desk wrote.
  author_id uuid,
  author_name text,
  -- Of what came in by mail.
  author_email text,
  body text not null,
  -- The mail has the customer's details and the request.
  ticket_summary boolean not null default false,
  -- The mail that it went out with, or came in with: one or the other, and each mail once.
  mail_id uuid unique references outgoing_mails on delete cascade,
  email_id uuid unique references inbound_mails on delete cascade,
  created_at timestamptz not null,
  constraint side_messages_seq unique (conversation_id, seq),
  constraint side_messages_author
    check ((author_id is null) <> (author_email is null)
      and (author_id is null) = (mail_id is null) and (author_email is null) = (email_id is null))
);

-- The side conversation that a mail became part of.
alter table inbound_mails add column side_conversation_id uuid references side_conversations on delete cascade;
create index inbound_mails_side on inbound_mails (side_conversation_id) where side_conversation_id is not null;
