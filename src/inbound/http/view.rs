//! A mail that came in, as clients see it.
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::rules::{Cause, File, Incoming, MailState};
use super::super::store::Mail;
use crate::kernel::{AppError, InboundMailId, NoteId, SideConversationId, TicketId};

/// A mail that came in, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailView {
    id: InboundMailId,
    /// Where it was delivered.
    #[schema(example = "support@desk.example")]
    mailbox: String,
    /// Its `Message-ID`, or a digest of the mail where it has none: the same is taken once.
    #[schema(example = "CAF1a2b3@mail.customer.example")]
    message_id: String,
    /// Whom it says that it is from. Null when it is from nobody, or from several.
    from: Option<FromView>,
    #[schema(example = "Re: [CB-1042] The export stops after 100 rows")]
    subject: String,
    #[schema(example = 48_213)]
    bytes: i64,
    files: Vec<File>,
    state: MailState,
    /// Why it was not taken.
    cause: Option<Cause>,
    /// What the cause does not say, for people.
    #[schema(example = "ticket_deleted: the ticket is deleted; restore it first")]
    detail: Option<String>,
    /// The ticket that it is on. Of one that was not taken: that it would belong to.
    ticket_id: Option<TicketId>,
    note_id: Option<NoteId>,
    /// The side conversation of that ticket that it is part of.
    side_conversation_id: Option<SideConversationId>,
    received_at: DateTime<Utc>,
    /// Who decided about it, when somebody did.
    settled_by: Option<Uuid>,
    #[schema(example = "Coordinator")]
    settled_by_name: Option<String>,
    settled_at: Option<DateTime<Utc>>,
}

/// Whom a mail says that it is from. It proves nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct FromView {
    #[schema(example = "Purchasing contact")]
    name: Option<String>,
    #[schema(example = "purchasing@customer.example")]
    email: String,
}

impl EmailView {
    pub fn of(mail: Mail) -> Result<Self, AppError> {
        let name = mail.from_name;
        Ok(Self {
            id: mail.id,
            mailbox: mail.mailbox,
            message_id: mail.message_key,
            from: mail.from_email.map(|email| FromView { name, email }),
            subject: mail.subject,
            bytes: mail.bytes,
            files: serde_json::from_value(mail.files).map_err(AppError::internal)?,
            state: mail.state,
            cause: mail.cause,
            detail: mail.detail,
            ticket_id: mail.ticket_id,
            note_id: mail.note_id,
            side_conversation_id: mail.side_conversation_id,
            received_at: mail.received_at,
            settled_by: mail.settled_by,
            settled_by_name: mail.settled_by_name,
            settled_at: mail.settled_at,
        })
    }
}

/// A mail that came in, with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeEmail {
    #[serde(flatten)]
    email: EmailView,
    /// The whole text, with what it quotes. Null when the original is not kept any more, or cannot be read.
    #[schema(
        example = "It works again.\n\nOn Sun, Nov 22, 2026 at 9:00 AM Support wrote:\n> Can you confirm?"
    )]
    text: Option<String>,
    /// What the sender wrote: the text of the note.
    #[schema(example = "It works again.")]
    reply: Option<String>,
}

impl WholeEmail {
    pub fn of(mail: Mail, raw: Option<&[u8]>) -> Result<Self, AppError> {
        let read = raw.and_then(|raw| Incoming::read(raw, None));
        let (text, reply) = read.map(|mail| (mail.text, mail.reply)).unzip();
        Ok(Self { email: EmailView::of(mail)?, text, reply })
    }
}
