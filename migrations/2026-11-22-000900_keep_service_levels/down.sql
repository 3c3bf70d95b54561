drop table sla_clocks;
drop table sla_ledger;
drop table sla_tickets;
drop table sla_revision;
drop table sla_policy_versions;
drop table sla_policies;
alter table accounts drop column agreement;
drop table calendar_versions;
drop table calendars;
