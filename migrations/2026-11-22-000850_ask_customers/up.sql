-- Tickets that wait for their customers. While the workflow has a transition for want of feedback, the silence has a beginning, and
-- a time at which something is due: a reminder, or the transition.
alter table tickets
  add column silent_since timestamptz,
  add column reminded_at timestamptz,
  add column silence_due_at timestamptz,
  add constraint tickets_silence_whole
    check (silent_since is not null or (reminded_at is null and silence_due_at is null)),
  add constraint tickets_merged_silent check (merged_into is null or silent_since is null);
create index tickets_silence_due on tickets (silence_due_at) where silence_due_at is not null;

-- What waits already waits from now on: nobody is reminded, and nothing is closed, all at once.
update tickets t
   set silent_since = now(),
       silence_due_at = now() + make_interval(days => coalesce(w.reminder_after_days, w.after_days))
  from transitions w
 where w.workflow_id = t.workflow_id and w.from_code = t.status and w.trigger = 'no_feedback' and t.merged_into is null;

-- False: the contacts of this account are not asked how satisfied they are.
alter table accounts add column surveys boolean not null default true;

-- What a customer is asked after a ticket was closed, and the answer.
create table surveys (
  id uuid primary key,
  ticket_id uuid not null references tickets on delete cascade,
  -- Which closing of the ticket it is about.
  closed_at timestamptz not null,
  -- As they were then: a ticket that is opened again may go elsewhere.
  account_id uuid not null references accounts,
  department_id uuid not null references departments,
  agent_id uuid references agents,
  -- Who is asked.
  contact_id uuid not null references contacts,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  rating smallint check (rating between 1 and 5),
  comment text check (length(comment) <= 2000),
  answered_at timestamptz,
  -- When the answer was last changed.
  changed_at timestamptz,
  -- A resolution is asked about once.
  constraint surveys_once unique (ticket_id, closed_at),
  constraint surveys_answered_whole
    check ((rating is null) = (answered_at is null) and (rating is null) = (changed_at is null)
      and (rating is not null or comment is null))
);
create index surveys_account on surveys (account_id, id);
create index surveys_department on surveys (department_id, id);
create index surveys_agent on surveys (agent_id, id);
create index surveys_contact on surveys (contact_id);
-- What was answered is looked at more than what was not.
create index surveys_answered on surveys (id) where rating is not null;

-- Up to which position the feed was looked through for tickets that were closed. What was closed before is not asked about.
create table survey_cursor (
  singleton boolean primary key default true check (singleton),
  position bigint not null
);
insert into survey_cursor (position) select last_position from event_feed;
