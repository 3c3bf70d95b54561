//! An attachment as clients see it.
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::links::FileLinks;
use super::rules::hex;
use super::store::{Attached, Attachment, File};
use crate::kernel::{AttachmentId, TicketId};
use crate::notes::NoteVisibility;

/// A file of a ticket: one that is kept here, or a link to one that is kept elsewhere.
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
    /// Where it is. The address of a file that is kept here needs the caller's token.
    #[schema(
        example = "https://desk.example/v1/attachments/0199f0c2-b1c9-7000-8000-0000000000a1/content"
    )]
    url: String,
    /// What is kept here; `null` for a link to elsewhere.
    file: Option<FileView>,
    added_by: AttachmentAuthor,
    created_at: DateTime<Utc>,
}

/// What is known of a file that is kept here.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileView {
    /// As it was declared.
    #[schema(example = "image/png")]
    media_type: String,
    /// Bytes.
    #[schema(example = 48213)]
    size: i64,
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    sha256: String,
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

impl AttachmentView {
    pub fn of((row, file): Attached, links: &FileLinks) -> Self {
        let Attachment { id, url, .. } = row;
        let added_by =
            AttachmentAuthor { id: row.added_by, role: row.added_by_role, name: row.added_by_name };
        Self {
            id,
            ticket_id: row.ticket_id,
            seq: row.seq,
            visibility: row.visibility,
            name: row.name,
            url: url.unwrap_or_else(|| links.content(id)),
            file: file.map(FileView::from),
            added_by,
            created_at: row.created_at,
        }
    }
}

impl From<File> for FileView {
    fn from(file: File) -> Self {
        let sha256 = hex(&file.sha256.unwrap_or_default());
        Self { media_type: file.media_type, size: file.size, sha256 }
    }
}
