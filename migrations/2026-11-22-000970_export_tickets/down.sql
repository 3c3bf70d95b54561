drop trigger crm_mirrors_export on crm_mirrors;
drop trigger crm_mirrors_export_new on crm_mirrors;
drop trigger surveys_export on surveys;
drop trigger sla_clocks_export on sla_clocks;
drop trigger sla_clocks_export_new on sla_clocks;
drop function touch_for_export();
drop table export_touches;
drop table export_head;
drop table export_marks;
