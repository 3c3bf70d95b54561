//! Queries of what came in.
mod filing;
mod mailboxes;
mod mails;
mod settings;

pub use filing::{Unfiled, add_detail, filed, filed_all, take_unfiled};
pub use mailboxes::{Mailbox, advance, claim, failed, mailbox, release, renew, seen};
pub use mails::{Mail, erase, find, insert, list, lock, of_key, raw, settle};
pub use settings::{Settings, lock_settings, save_settings, settings};
