drop table survey_cursor;
drop table surveys;
alter table accounts drop column surveys;
alter table tickets drop constraint tickets_merged_silent, drop constraint tickets_silence_whole,
  drop column silence_due_at, drop column reminded_at, drop column silent_since;
