delete from transitions where trigger = 'conversion';
alter table transitions drop constraint transitions_trigger_check;
alter table transitions add constraint transitions_trigger_check check (trigger in
  ('submit', 'automatic', 'agent', 'customer_reply', 'assignment', 'no_feedback'));
drop table crm_leads;
drop table conversions;
drop table attachments;
