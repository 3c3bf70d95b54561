//! Mails that come in: each becomes a note, a ticket, or a record of why not.
mod filing;
mod http;
mod imap;
mod intake;
mod rules;
mod service;
mod store;

pub use filing::Filing;
pub use http::routes;
pub use imap::{ImapSettings, Poller};
pub use intake::Intake;
pub use rules::{Bounce, Cause, File, Incoming, Sender, is_thanks, subject_number};
pub use service::Desk;
pub use store::erase;
