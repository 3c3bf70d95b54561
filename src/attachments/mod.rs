//! What is attached to a ticket, append-only: files that are kept here, and links to files that are kept elsewhere. One is added
//! through its ticket (`tickets::service::attach`), because it moves the ticket's version.
//!
//! A file arrives in [`Files`] first, whole, and is attached then; what is never attached is swept away.
mod files;
mod http;
mod links;
mod objects;
mod rules;
mod store;
mod view;

pub use files::{Files, NewFile, StoredFile};
pub use http::routes;
pub use links::FileLinks;
pub use rules::{
    Asked, asked, content_disposition, essence, file_name, hex, may_be_shown, served_as, sum,
};
pub use store::{
    Attached, Attachment, CaseLine, File, case_lines, claim, erase, find, insert, page, usage,
    visible_in,
};
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
    pub content: Content,
}

/// What an attachment consists of.
#[derive(Debug, Clone)]
pub enum Content {
    /// The address of a file that stays elsewhere.
    Link(String),
    File(StoredFile),
}
