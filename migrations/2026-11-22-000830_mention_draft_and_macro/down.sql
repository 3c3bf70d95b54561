drop table macros;
drop table canned_replies;
drop table reply_drafts;
alter table notes drop column mentions;
