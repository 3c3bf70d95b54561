alter table notes drop column attachment_ids;
drop trigger attachments_forget_file on attachments;
drop function forget_attached_file;
-- Without their files there is nothing left of these.
delete from attachments where url is null;
alter table attachments
  drop constraint attachments_link_or_file,
  drop column file_id,
  alter column url set not null;
drop table file_parts;
drop table files;
drop function free_file_parts;
