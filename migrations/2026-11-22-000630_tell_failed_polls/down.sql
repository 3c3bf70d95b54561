alter table crm_connections drop column poll_error, drop column poll_refused_since;
