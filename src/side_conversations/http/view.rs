//! Side conversations as clients see them.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::{
    InboundMailId, MailId, SideConversationId, SideMessageId, TicketId, rfc3339, text_enum,
};
use crate::mail::Address;
use crate::notes::{Channel, body_html};
use crate::side_conversations::rules::SideConversationState;
use crate::side_conversations::store::{SideConversation, SideMessage};

/// A mail thread from a ticket to people outside, which the customer never sees.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideConversationView {
    id: SideConversationId,
    /// The ticket that it was opened on.
    ticket_id: TicketId,
    #[schema(example = "Managed upgrade for Northwind Services")]
    subject: String,
    state: SideConversationState,
    /// Whom messages go to.
    to: Address,
    cc: Vec<Address>,
    #[schema(example = 2)]
    message_count: i32,
    opened_by: Uuid,
    #[schema(example = "L1 agent A")]
    opened_by_name: String,
    #[serde(serialize_with = "rfc3339::serialize")]
    opened_at: DateTime<Utc>,
    /// Null while it is open.
    #[serde(serialize_with = "rfc3339::option")]
    closed_at: Option<DateTime<Utc>>,
    #[schema(example = 2)]
    version: i32,
    #[serde(serialize_with = "rfc3339::serialize")]
    updated_at: DateTime<Utc>,
}

impl From<SideConversation> for SideConversationView {
    fn from(side: SideConversation) -> Self {
        let participants = side.participants.0;
        Self {
            id: side.id,
            ticket_id: side.ticket_id,
            subject: side.subject,
            state: side.state,
            to: participants.to,
            cc: participants.cc,
            message_count: side.message_count,
            opened_by: side.opened_by,
            opened_by_name: side.opened_by_name,
            opened_at: side.opened_at,
            closed_at: side.closed_at,
            version: side.version,
            updated_at: side.updated_at,
        }
    }
}

text_enum! {
    /// Which way a message went.
    SideMessageDirection {
        /// The desk wrote it.
        Sent = "sent",
        /// It came in by mail.
        Received = "received",
    }
}

/// Who wrote a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideMessageAuthor {
    /// Of the desk; null of people outside.
    id: Option<Uuid>,
    #[schema(example = "Account manager A")]
    name: Option<String>,
    /// Of people outside, as their mail says; null of the desk.
    #[schema(example = "account-manager-a@desk.example")]
    email: Option<String>,
}

/// What was said in a side conversation. Messages are never changed and never deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideMessageView {
    id: SideMessageId,
    side_conversation_id: SideConversationId,
    /// The ticket of the side conversation.
    ticket_id: TicketId,
    /// 1, 2, 3 ... within the side conversation.
    #[schema(example = 1)]
    seq: i32,
    direction: SideMessageDirection,
    author: SideMessageAuthor,
    /// As it was written: Markdown from the desk; from outside plain text, without what it quotes.
    #[schema(example = "Could you take care of this upgrade?")]
    body: String,
    /// The same as HTML that is safe to show.
    #[schema(value_type = String, example = "<p>Could you take care of this upgrade?</p>")]
    body_html: Arc<str>,
    /// True when its mail has the customer's details and the request.
    #[schema(example = true)]
    ticket_summary: bool,
    /// The mail that it went out with: `GET /v1/mails/{id}`.
    mail_id: Option<MailId>,
    /// The mail that it came in with, with its files: `GET /v1/inbound/emails/{id}`.
    email_id: Option<InboundMailId>,
    #[serde(serialize_with = "rfc3339::serialize")]
    created_at: DateTime<Utc>,
}

impl SideMessageView {
    pub fn new(ticket_id: TicketId, message: SideMessage) -> Self {
        let (direction, channel) = match message.author_id {
            Some(_) => (SideMessageDirection::Sent, Channel::Api),
            None => (SideMessageDirection::Received, Channel::Email),
        };
        Self {
            id: message.id,
            side_conversation_id: message.conversation_id,
            ticket_id,
            seq: message.seq,
            direction,
            author: SideMessageAuthor {
                id: message.author_id,
                name: message.author_name,
                email: message.author_email,
            },
            body_html: body_html(channel, &message.body),
            body: message.body,
            ticket_summary: message.ticket_summary,
            mail_id: message.mail_id,
            email_id: message.email_id,
            created_at: message.created_at,
        }
    }
}
