drop table crm_differences;
alter table crm_connections drop column reconciled_at;
drop index crm_mirrors_due;
alter table crm_mirrors drop column priority;
create index crm_mirrors_due on crm_mirrors (next_attempt_at)
  where dirty_since is not null and state in ('pending', 'linked');
drop table jobs;
