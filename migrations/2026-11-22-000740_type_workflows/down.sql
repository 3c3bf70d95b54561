alter table ticket_types drop column workflow_id, drop column version;
