//! Queries of what came in.
mod mailboxes;
mod mails;
mod settings;

pub use mailboxes::{Mailbox, advance, claim, failed, mailbox, release, renew, seen};
pub use mails::{Mail, erase, find, insert, list, lock, of_key, raw, settle};
pub use settings::{Settings, lock_settings, save_settings, settings};
