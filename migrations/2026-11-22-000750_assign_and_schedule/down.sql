drop table calendar_feeds;
drop table delays;
drop table appointments;
drop type uuid_range;
drop index tickets_waiting_kinds;
drop index tickets_waiting;
drop trigger watch_deadline_on_insert on tickets;
drop trigger watch_deadline_on_update on tickets;
drop function watch_deadline;
alter table tickets drop column handed_over_by, drop column deadline_check_at;
create index tickets_waiting on tickets (department_id, level, priority desc, created_at)
  where assignee_id is null and deleted_at is null and category in ('new', 'open', 'pending', 'on_hold');
alter table assignments drop column overridden;
alter table agents drop column leaves;
