-- Links to files that are kept elsewhere.
create table attachments (
  id uuid primary key,
  ticket_id uuid not null references tickets,
  -- 1, 2, 3 ... within the ticket.
  seq integer not null,
  visibility text not null check (visibility in ('public', 'internal')),
  name text not null check (name <> ''),
  url text not null check (url <> ''),
  added_by uuid not null,
  added_by_role text not null,
  added_by_name text not null,
  created_at timestamptz not null,
  unique (ticket_id, seq)
);

-- What a ticket became beside being a ticket; once.
create table conversions (
  ticket_id uuid primary key references tickets,
  became text not null check (became in ('lead')),
  -- The person who may buy: names, address, company.
  lead jsonb not null,
  converted_by uuid not null,
  converted_by_name text not null,
  converted_at timestamptz not null
);

-- The leads that were made in a CRM.
create table crm_leads (
  connection_id uuid not null references crm_connections on delete cascade,
  ticket_id uuid not null references tickets,
  remote_id text not null,
  created_at timestamptz not null,
  primary key (connection_id, ticket_id)
);
create index crm_leads_ticket on crm_leads (ticket_id);

-- A ticket that is converted moves along this trigger, where its workflow has one.
alter table transitions drop constraint transitions_trigger_check;
alter table transitions add constraint transitions_trigger_check check (trigger in
  ('submit', 'automatic', 'agent', 'customer_reply', 'assignment', 'no_feedback', 'conversion'));
