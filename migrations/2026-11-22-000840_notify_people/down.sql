drop table notification_cursor;
drop table waiting_mails;
drop table notifications;
drop table department_mailboxes;
drop table notification_preferences;
