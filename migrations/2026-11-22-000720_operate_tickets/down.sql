drop table bulk_items, bulk_jobs;
delete from idempotency_keys where length(key) > 255;
alter table idempotency_keys
  drop constraint idempotency_keys_key_check,
  add constraint idempotency_keys_key_check check (length(key) <= 255);
delete from conversions where became <> 'lead';
alter table conversions
  drop column reference,
  drop constraint conversions_became_check,
  add constraint conversions_became_check check (became in ('lead'));
alter table conversions rename column details to lead;
drop index crm_changes_ticket;
alter table crm_mirrors drop column redacting;
drop table crm_redactions;
drop index events_naming_ticket;
drop trigger events_append_only on events;
create trigger events_append_only before update on events
  for each row when (old.position is not null) execute function refuse_change();
drop trigger notes_append_only on notes;
create trigger notes_append_only before update or delete on notes
  for each row execute function refuse_change();
drop trigger tickets_keep_original on tickets;
create trigger tickets_keep_original before update of subject, description on tickets
  for each row when (old.category <> 'draft'
    and (old.subject <> new.subject or old.description <> new.description))
  execute function refuse_change();
drop function redact_event(), redact_note(), redact_original(), redacts(uuid);
drop table redactions, ticket_watchers;
drop index tickets_tagged, tickets_drafts_by_age, tickets_drafts;
alter table attachments
  drop constraint attachments_ticket_id_fkey,
  add constraint attachments_ticket_id_fkey foreign key (ticket_id) references tickets;
