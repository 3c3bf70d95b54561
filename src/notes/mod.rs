//! The conversation on a ticket: append-only, chronological. A note is added through its ticket
//! (`tickets::service::add_note`), because it moves the ticket's version and perhaps its status.
mod markup;
mod rules;
mod store;
mod view;

pub use markup::{body_html, markdown_html, mentions};
pub use rules::{Channel, NewNote, NoteVisibility};
pub use store::{
    Note, NoteText, erase, find, first_of_desk, insert, joint_page, of_ids, page, recent_texts,
};
pub use view::NoteView;
