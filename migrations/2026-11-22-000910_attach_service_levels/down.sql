alter table tickets drop column sla_policy_id;
drop table status_meanings;
