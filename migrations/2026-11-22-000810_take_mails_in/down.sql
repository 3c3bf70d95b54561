drop table inbound_settings;
drop table inbound_mailboxes;
drop table inbound_mails;
