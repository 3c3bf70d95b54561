-- Mails that came in, and what became of each. None is lost: what is not taken is recorded with its cause.
create table inbound_mails (
  id uuid primary key,
  -- Where it was delivered: the mailbox that is polled, or the name that whoever posts gives.
  mailbox text not null,
  -- Its Message-ID, or a digest of the mail where it has none that can be used.
  message_key text not null,
  from_name text,
  from_email text,
  subject text not null,
  -- [{"part": 3, "name": "a.png", "content_type": "image/png", "bytes": 7, "inline": false, "content_id": null}]
  files jsonb not null default '[]',
  -- The mail as it came in; null when it was larger than the service takes, or when a redaction took it.
  raw bytea,
  -- Of the mail as it came in, also when it is not kept.
  bytes bigint not null,
  state text not null check (state in ('taken', 'quarantined', 'ignored')),
  cause text,
  detail text,
  -- The ticket that it is on; of one that was not taken, that it would belong to.
  ticket_id uuid references tickets on delete cascade,
  note_id uuid references notes on delete cascade,
  -- When the next file is to be attached, of a mail that was taken; null when none is left.
  files_due_at timestamptz,
  -- How many were attached, or refused.
  files_done integer not null default 0,
  received_at timestamptz not null,
  -- Who released it from quarantine.
  settled_by uuid,
  settled_by_name text,
  settled_at timestamptz,
  -- The same mail is taken once, however often and from wherever it comes.
  constraint inbound_mails_once unique (mailbox, message_key),
  check ((state = 'taken') = (cause is null)),
  check ((settled_at is null) = (settled_by is null))
);
-- Compressed mail is what most mail is: pictures and archives.
alter table inbound_mails alter column raw set storage external;
create index inbound_mails_state on inbound_mails (state, id);
create index inbound_mails_ticket on inbound_mails (ticket_id, id) where ticket_id is not null;
create index inbound_mails_files on inbound_mails (files_due_at) where files_due_at is not null;
create index inbound_mails_note on inbound_mails (note_id) where note_id is not null;

-- How far the polled mailbox was read (RFC 9051, section 2.3.1.1), and which process reads it.
create table inbound_mailboxes (
  mailbox text primary key,
  -- Null: it was never read. Another one: the server numbered its mails anew.
  uid_validity bigint,
  -- Every mail up to this one was taken.
  last_uid bigint not null default 0,
  leased_until timestamptz,
  -- The number of the lease: what the holder of an older one writes is refused.
  fence bigint not null default 0,
  -- Null while it goes well.
  error text,
  error_since timestamptz,
  -- When the server was last seen to answer.
  seen_at timestamptz
);

-- What the desk does with what comes in. One row.
create table inbound_settings (
  one boolean primary key default true check (one),
  unknown_senders text not null default 'quarantine' check (unknown_senders in ('quarantine', 'open')),
  -- Tickets of unknown senders are this account's.
  account_id uuid references accounts,
  -- What new tickets are about when the account does not tell.
  product_id uuid references products,
  category_id uuid references categories,
  -- Whether a reply that only says thank you opens a closed ticket again.
  thanks_reopens boolean not null default false,
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  constraint inbound_settings_account check (unknown_senders = 'quarantine' or account_id is not null),
  constraint inbound_settings_about
    check (unknown_senders = 'quarantine' or product_id is not null or category_id is not null)
);
insert into inbound_settings default values;
