//! The desk's mailbox, read over IMAP (RFC 9051): one process reads it at a time, and a mail is a note as soon as the server
//! says that it is there.
mod poller;
mod server;
mod settings;

pub use poller::Poller;
pub use settings::ImapSettings;
