drop table crm_changes;
drop table crm_inbox;
drop table crm_hooks;
