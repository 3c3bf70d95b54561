//! An attachment as clients see it.
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::Attachment;
use crate::kernel::{AttachmentId, TicketId};
use crate::notes::NoteVisibility;

/// A link to a file that is kept elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentView {
    id: AttachmentId,
    ticket_id: TicketId,
    /// Counts the ticket's attachments: 1, 2, 3 ... A contact sees gaps where internal ones are.
    #[schema(example = 1)]
    seq: i32,
    visibility: NoteVisibility,
    #[schema(example = "screenshot.png")]
    name: String,
    #[schema(example = "https://files.example/7f3a/screenshot.png")]
    url: String,
    added_by: AttachmentAuthor,
    created_at: DateTime<Utc>,
}

/// Who added an attachment.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentAuthor {
    id: Uuid,
    #[schema(example = "contact")]
    role: String,
    #[schema(example = "Purchasing contact")]
    name: String,
}

impl From<Attachment> for AttachmentView {
    fn from(row: Attachment) -> Self {
        let added_by =
            AttachmentAuthor { id: row.added_by, role: row.added_by_role, name: row.added_by_name };
        Self {
            id: row.id,
            ticket_id: row.ticket_id,
            seq: row.seq,
            visibility: row.visibility,
            name: row.name,
            url: row.url,
            added_by,
            created_at: row.created_at,
        }
    }
}
