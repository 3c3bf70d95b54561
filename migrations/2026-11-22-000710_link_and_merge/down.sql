drop trigger remember_closed_parent on tickets;
drop function remember_closed_parent;
drop table ticket_links;
drop table ticket_merges;
alter table tickets drop constraint tickets_merged_closed, drop column merged_count;
