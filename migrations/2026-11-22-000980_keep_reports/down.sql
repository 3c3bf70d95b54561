drop index sla_clocks_started, surveys_asked;
drop trigger keep_report_status on statuses;
drop function keep_report_status;
drop table report_statuses, report_cursor, report_assignments, report_cycles, report_tickets;
