-- In which order tickets changed last: what exports follow. One row for each ticket that is no draft; whoever gives positions holds the
-- row of export_head, so that a position is never seen before the ones in front of it.
create table export_marks (
  ticket_id uuid primary key references tickets on delete cascade,
  position bigint not null unique
);

create table export_head (
  singleton boolean primary key default true check (singleton),
  -- The last position given.
  last_position bigint not null default 0,
  -- Up to where the change feed was looked through for tickets that changed.
  feed_position bigint not null
);

-- Tickets of which something changed that no event of theirs tells. Rows are only ever added, so nobody waits for another.
create table export_touches (
  id bigint generated always as identity primary key,
  ticket_id uuid not null references tickets on delete cascade
);

-- In this order: what is published in between is in the feed behind the head.
insert into export_head (feed_position) select last_position from event_feed;
insert into export_touches (ticket_id) select id from tickets where category <> 'draft' order by id;

create function touch_for_export() returns trigger language plpgsql as $$
begin
  insert into export_touches (ticket_id) values (new.ticket_id);
  return null;
end $$;

-- Clocks are derived after the event, or because a policy or a calendar changed.
create trigger sla_clocks_export_new after insert on sla_clocks for each row execute function touch_for_export();
create trigger sla_clocks_export after update on sla_clocks for each row
  when ((old.state, old.started_at, old.ended_at, old.due_at, old.breached_at, old.policy_id, old.policy_version)
    is distinct from (new.state, new.started_at, new.ended_at, new.due_at, new.breached_at, new.policy_id, new.policy_version))
  execute function touch_for_export();
-- The event of an answer is the survey's.
create trigger surveys_export after update on surveys for each row
  when ((old.rating, old.comment) is distinct from (new.rating, new.comment)) execute function touch_for_export();
-- The CRM says which record a ticket became; no event does.
create trigger crm_mirrors_export_new after insert on crm_mirrors for each row
  when (new.remote_id is not null) execute function touch_for_export();
create trigger crm_mirrors_export after update on crm_mirrors for each row
  when (old.remote_id is distinct from new.remote_id) execute function touch_for_export();
