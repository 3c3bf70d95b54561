-- Mails that go out. A mail stays here as what was sent, or with the reason why it was not.
create table outgoing_mails (
  id uuid primary key,
  -- To which conversation a reply belongs; "side" is a side conversation.
  conversation text not null check (conversation in ('ticket', 'side')),
  conversation_id uuid not null,
  ticket_id uuid references tickets on delete cascade,
  note_id uuid references notes on delete cascade,
  to_name text,
  to_email text not null,
  -- [{"name": "Ann", "email": "ann@customer.example"}]
  cc jsonb not null default '[]',
  subject text not null,
  text_body text not null,
  html_body text,
  -- Nobody wrote it by hand: it says so in its header, and only so many of them go to an address.
  automatic boolean not null,
  -- The same is queued once.
  dedupe text unique,
  state text not null default 'queued'
    check (state in ('queued', 'sending', 'sent', 'held', 'suppressed', 'dead', 'cancelled')),
  -- Why it is not sent, or who did not get it.
  reason text,
  -- Attempts that failed by an answer to this mail.
  attempts integer not null default 0,
  -- Attempts whose answer never came: the mail may have been delivered by them.
  unanswered integer not null default 0,
  -- When the next attempt is due; of one that is being sent, when the lease ends.
  due_at timestamptz not null,
  -- The number of the attempt that holds the lease; what an older one reports is refused.
  fence bigint not null default 0,
  -- Somebody released it: what counts automatic mails lets it pass.
  released boolean not null default false,
  -- Without angle brackets; given with the first attempt, and the same in each.
  message_id text unique,
  created_at timestamptz not null,
  sent_at timestamptz,
  check ((state = 'sent') = (sent_at is not null))
);
create index outgoing_mails_due on outgoing_mails (automatic, due_at) where state in ('queued', 'sending');
create index outgoing_mails_conversation on outgoing_mails (conversation_id, id);
create index outgoing_mails_ticket on outgoing_mails (ticket_id, id) where ticket_id is not null;
create index outgoing_mails_note on outgoing_mails (note_id) where note_id is not null;
create index outgoing_mails_state on outgoing_mails (state, id);
create index outgoing_mails_address on outgoing_mails (lower(to_email), id);

-- The Message-IDs of mails that came in: replies name them.
create table received_references (
  conversation_id uuid not null,
  message_id text not null,
  received_at timestamptz not null,
  primary key (conversation_id, message_id)
);

-- To whom automatic mails went lately; what is older than the window is forgotten.
create table automatic_deliveries (
  -- In lower case.
  email text not null,
  mail_id uuid not null references outgoing_mails on delete cascade,
  delivered_at timestamptz not null,
  primary key (email, mail_id)
);
create index automatic_deliveries_mail on automatic_deliveries (mail_id);
create index automatic_deliveries_age on automatic_deliveries (delivered_at);

-- Addresses that no mail is sent to.
create table suppressed_addresses (
  id uuid primary key,
  -- In lower case.
  email text not null unique,
  cause text not null check (cause in ('refused', 'bounced')),
  detail text not null,
  -- The mail that did not arrive, if it is known.
  mail_id uuid references outgoing_mails on delete set null,
  suppressed_at timestamptz not null
);
create index suppressed_addresses_mail on suppressed_addresses (mail_id) where mail_id is not null;

-- Texts that an administrator wrote in the place of those that the program brings.
create table mail_templates (
  key text not null,
  language text not null,
  subject text not null,
  text_body text not null,
  html_body text not null,
  version integer not null default 1,
  updated_by uuid not null,
  updated_by_name text not null,
  updated_at timestamptz not null,
  primary key (key, language)
);
