-- The kinds are a list in the program: an adapter needs no migration.
alter table crm_connections drop constraint crm_connections_kind_check;
-- What an adapter needs beside the watermark to go on reading; its own words.
alter table crm_connections add column feed_cursor text;
