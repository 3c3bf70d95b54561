drop table crm_conflicts, crm_links, crm_note_links, crm_mirrors, crm_connections;
