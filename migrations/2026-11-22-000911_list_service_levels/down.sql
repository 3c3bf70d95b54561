drop trigger tickets_service_levels on tickets;
drop function begin_service_levels();
drop index sla_tickets_breached, sla_tickets_standing, sla_tickets_due;
alter table sla_tickets drop column metric, drop column due_at, drop column standing;
