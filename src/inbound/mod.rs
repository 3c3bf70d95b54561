//! Mails that come in: each becomes a note, a ticket, or a record of why not.
mod rules;
mod service;
mod store;

pub use rules::{Bounce, Cause, File, Incoming, Sender, is_thanks, subject_number};
pub use store::erase;
