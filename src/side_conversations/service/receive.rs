//! What comes back by mail.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::message::reopen;
use super::{NOT_FOUND, Told, about, happen};
use crate::events::EventType;
use crate::kernel::{Actor, AppError, InboundMailId, SideConversationId, SideMessageId};
use crate::mail::Address;
use crate::side_conversations::store::{self, SideMessage};

/// A mail that answers a side conversation.
#[derive(Debug, Clone)]
pub struct Reply {
    pub email_id: InboundMailId,
    pub from: Address,
    pub body: String,
}

/// Adds a mail as a message. A closed side conversation is open again; the ticket's status stays, whatever it is. `actor` is who
/// takes the mail in; whether its sender may speak here is the caller's to decide.
pub fn receive(
    conn: &mut PgConnection,
    actor: &Actor,
    id: SideConversationId,
    reply: Reply,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let ticket = store::find(conn, id)?.ok_or(NOT_FOUND)?.ticket_id;
    happen(conn, actor, ticket, id, now, |conn, _, side| {
        let reopened = reopen(side);
        side.message_count += 1;
        let message = SideMessage {
            id: SideMessageId::new(),
            conversation_id: side.id,
            seq: side.message_count,
            author_id: None,
            author_name: reply.from.name,
            author_email: Some(reply.from.email),
            body: reply.body,
            ticket_summary: false,
            mail_id: None,
            email_id: Some(reply.email_id),
            created_at: now,
        };
        store::insert_message(conn, &message)?;
        let mut data = about(message.id, false);
        data["from"] = json!({ "name": message.author_name, "email": message.author_email });
        data["reopened"] = json!(reopened);
        Ok(((), Some(Told { kind: EventType::SideConversationReplied, data })))
    })?;
    Ok(())
}
