//! A note as clients see it.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::markup::body_html;
use super::rules::{Channel, NoteVisibility};
use super::store::Note;
use crate::kernel::{AttachmentId, NoteId, TicketId};

/// A note on a ticket. Notes are never changed and never deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteView {
    id: NoteId,
    ticket_id: TicketId,
    /// Counts the ticket's notes: 1, 2, 3 ... A contact sees gaps where internal notes are.
    #[schema(example = 2)]
    seq: i32,
    visibility: NoteVisibility,
    channel: Channel,
    author: NoteAuthor,
    /// As it was written: Markdown from the desk and the portal, plain text from a mail, a telephone call or a CRM.
    #[schema(example = "The export **works** again. Can you confirm?")]
    body: String,
    /// The same as HTML that is safe to show: no HTML of the author's, no images, no styles.
    #[schema(value_type = String, example = "<p>The export <strong>works</strong> again. Can you confirm?</p>")]
    body_html: Arc<str>,
    /// Attachments of the ticket that it refers to.
    #[schema(example = json!([]))]
    attachment_ids: Vec<AttachmentId>,
    created_at: DateTime<Utc>,
}

/// Who wrote a note.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteAuthor {
    id: Uuid,
    #[schema(example = "agent")]
    role: String,
    #[schema(example = "L1 agent A")]
    name: String,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            ticket_id: note.ticket_id,
            seq: note.seq,
            visibility: note.visibility,
            channel: note.channel,
            author: NoteAuthor {
                id: note.author_id,
                role: note.author_role,
                name: note.author_name,
            },
            body_html: body_html(note.channel, &note.body),
            body: note.body,
            attachment_ids: note.attachment_ids,
            created_at: note.created_at,
        }
    }
}
