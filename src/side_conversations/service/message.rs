//! Say something in a side conversation.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::{Told, about, get, happen, require};
use crate::events::EventType;
use crate::kernel::{
    Actor, AppError, MailId, Permission, SideConversationId, SideMessageId, TicketId,
};
use crate::mail::{self, Conversation, NewMail};
use crate::side_conversations::rules::SideConversationState;
use crate::side_conversations::store::{self, SideConversation, SideMessage};
use crate::tickets::Ticket;
use crate::{notes, people};

/// What the desk writes.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Markdown.
    pub body: String,
    /// Adds the customer's details and the request to the mail.
    pub ticket_summary: bool,
}

/// Sends a message to all who take part; a closed side conversation is open again.
pub fn send(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: SideConversationId,
    new: NewMessage,
    now: DateTime<Utc>,
) -> Result<(SideMessage, SideConversation), AppError> {
    require(actor, Permission::TicketsWrite)?;
    get(conn, actor, ticket, id)?;
    happen(conn, actor, ticket, id, now, |conn, ticket, side| {
        let reopened = reopen(side);
        let ticket_summary = new.ticket_summary;
        let message = write(conn, actor, ticket, side, new, now)?;
        let mut data = about(message.id, ticket_summary);
        data["reopened"] = json!(reopened);
        Ok((message, Some(Told { kind: EventType::SideMessageSent, data })))
    })
}

/// True when it was closed.
pub(super) fn reopen(side: &mut SideConversation) -> bool {
    side.state = SideConversationState::Open;
    side.closed_at.take().is_some()
}

/// Writes the message and queues its mail. The caller saves the side conversation.
pub(super) fn write(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: &Ticket,
    side: &mut SideConversation,
    new: NewMessage,
    now: DateTime<Utc>,
) -> Result<SideMessage, AppError> {
    side.message_count += 1;
    let id = SideMessageId::new();
    let request = new.ticket_summary.then(|| summary(conn, ticket)).transpose()?;
    let mail_id = queue(conn, actor, side, (id, &new.body), request, now)?;
    let message = SideMessage {
        id,
        conversation_id: side.id,
        seq: side.message_count,
        author_id: Some(actor.id),
        author_name: Some(actor.name.clone()),
        author_email: None,
        body: new.body,
        ticket_summary: new.ticket_summary,
        mail_id: Some(mail_id),
        email_id: None,
        created_at: now,
    };
    store::insert_message(conn, &message)?;
    Ok(message)
}

/// The customer's details and the request, as the mail's template has them.
fn summary(conn: &mut PgConnection, ticket: &Ticket) -> Result<Value, AppError> {
    let account = ticket.account_id.map(|id| people::get_account(conn, id)).transpose()?;
    let contact = ticket.contact_id.map(|id| people::get_contact(conn, id)).transpose()?;
    let contact = contact.as_ref();
    Ok(json!({
        "number": format!("CB-{}", ticket.number),
        "subject": ticket.subject,
        "description": ticket.description,
        "account": account.map(|account| account.name),
        "contact": contact.map(|contact| &contact.name),
        "contact_email": contact.map(|contact| &contact.email),
        "contact_phone": contact.map(|contact| &contact.phone),
    }))
}

/// The mail has the token of the side conversation: what comes back never reaches the ticket's own thread. `request` is the
/// ticket as the recipient may know it.
fn queue(
    conn: &mut PgConnection,
    actor: &Actor,
    side: &SideConversation,
    (message, body): (SideMessageId, &str),
    request: Option<Value>,
    now: DateTime<Utc>,
) -> Result<MailId, AppError> {
    let again = if side.message_count > 1 { "Re: " } else { "" };
    let data = json!({
        "conversation": { "subject": format!("{again}{}", side.subject) },
        "message": { "author": actor.name, "text": body, "html": notes::markdown_html(body) },
        "ticket": request,
    });
    let rendered = mail::templates::render(conn, "side_conversation", None, &data)?;
    let participants = side.participants.0.clone();
    let mail = NewMail {
        conversation: Conversation::Side(side.id.0),
        ticket_id: Some(side.ticket_id),
        note_id: None,
        to: participants.to,
        cc: participants.cc,
        subject: rendered.subject,
        text: rendered.text,
        html: Some(rendered.html),
        automatic: false,
        dedupe: Some(format!("side_message:{message}")),
    };
    mail::service::queue(conn, mail, now)
}
