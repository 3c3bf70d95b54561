//! What is attached to a ticket: links to files that are kept elsewhere, append-only. One is added through its ticket
//! (`tickets::service::attach`), because it moves the ticket's version.
mod store;
mod view;

pub use store::{Attachment, count, insert, links, page};
pub use view::AttachmentView;

use crate::notes::NoteVisibility;

/// Attachments of a ticket at the most: each is a line of its case.
pub const MAX: i64 = 100;

/// An attachment to be added.
#[derive(Debug, Clone)]
pub struct NewAttachment {
    pub visibility: NoteVisibility,
    /// As people call the file; one line.
    pub name: String,
    /// Where the file is.
    pub url: String,
}
