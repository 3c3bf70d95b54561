alter table inbound_mails drop column side_conversation_id;
drop table side_messages;
drop table side_conversations;
