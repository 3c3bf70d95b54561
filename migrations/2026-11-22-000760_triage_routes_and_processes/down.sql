alter table accounts drop column manager_name, drop column manager_email;
drop table process_steps, ticket_processes;
alter table processes drop column version, drop column updated_at;
delete from elevations where kind <> 'elevation';
alter table elevations drop column kind, drop column routing_version;
drop table routing_entries, routing_head, routing_versions;
drop index tickets_untriaged, tickets_triaged;
alter table tickets drop constraint tickets_triage_whole, drop column routing_version;
drop table triage_matrix;
