drop table views;
drop statistics tickets_status_category;
drop index tickets_tags, tickets_account_open, tickets_deleted, tickets_opened_by, tickets_reopened, tickets_closed_by_updated, tickets_open_by_priority,
  tickets_open_by_updated, tickets_open_by_deadline, tickets_by_deadline;
drop trigger keep_note_text_on_delete on notes;
drop trigger keep_note_text_on_update on notes;
drop trigger keep_note_text_on_insert on notes;
drop trigger keep_ticket_text_on_update on tickets;
drop trigger keep_ticket_text_on_insert on tickets;
drop function renew_note_texts(), keep_note_text(), keep_ticket_text(), renew_ticket_text(uuid), note_weight(text),
  ticket_head(tickets), ticket_pairs(tickets), with_words(tsvector, tsvector);
drop table ticket_texts;
drop function text_pairs(text), word_pairs(text[]), weighed(text, "char"), plain_words(text), fold_text(text);
