-- The workflow is data: administrators add statuses and transitions through the API.

create table workflows (
  id uuid primary key,
  key text not null unique,
  name text not null,
  -- Where a draft starts, where a submitted ticket enters, and where a reopened one goes.
  draft_status text not null,
  submitted_status text not null,
  reopen_window_days integer not null default 30 check (reopen_window_days >= 0),
  -- Renewed by every change of the workflow, its statuses or its transitions: caches are keyed by it.
  revision uuid not null default gen_random_uuid(),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table statuses (
  workflow_id uuid not null references workflows,
  code text not null,
  key text not null,
  name text not null,
  category text not null check (category in ('draft', 'new', 'open', 'pending', 'on_hold', 'closed')),
  sla text not null check (sla in ('not_started', 'running', 'paused', 'stopped')),
  awaiting text not null check (awaiting in ('customer', 'desk', 'third_line', 'vendor', 'nobody')),
  customer_label text not null,
  sort_order integer not null,
  primary key (workflow_id, code),
  unique (workflow_id, key),
  -- Tickets reference the status together with its category, so that a ticket's category cannot lie.
  unique (workflow_id, code, category)
);

create table transitions (
  id uuid primary key,
  workflow_id uuid not null,
  from_code text not null,
  to_code text not null,
  trigger text not null check (trigger in ('submit', 'automatic', 'agent', 'customer_reply', 'assignment', 'no_feedback')),
  requires text[] not null default '{}',
  effects text[] not null default '{}',
  within_days integer check (within_days > 0),
  after_days integer check (after_days > 0),
  reminder_after_days integer check (reminder_after_days > 0),
  foreign key (workflow_id, from_code) references statuses (workflow_id, code),
  foreign key (workflow_id, to_code) references statuses (workflow_id, code),
  unique (workflow_id, from_code, to_code, trigger),
  check (from_code <> to_code)
);
