alter table crm_connections drop column feed_cursor;
alter table crm_connections add constraint crm_connections_kind_check check (kind in ('suitecrm'));
