drop table mail_templates;
drop table suppressed_addresses;
drop table automatic_deliveries;
drop table received_references;
drop table outgoing_mails;
