alter table crm_connections drop column findings;
alter table crm_note_links drop column altered, drop column gone_at;
drop index crm_conflicts_ticket;
alter table crm_conflicts drop column desk_own, drop column suspected_lost_update, drop column decided_by,
  drop column decided_at, drop column restored_by, drop column restored_at;
alter table crm_mirrors drop column provenance;
