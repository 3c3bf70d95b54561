drop table crm_outcomes;
drop index crm_mirrors_leased, crm_mirrors_due;
create index crm_mirrors_due on crm_mirrors (priority, next_attempt_at)
  where dirty_since is not null and state in ('pending', 'linked');
alter table crm_mirrors drop column failed_at;
alter table crm_connections
  drop column suspects, drop column trial_until, drop column allowed, drop column slowed_at, drop column refused;
