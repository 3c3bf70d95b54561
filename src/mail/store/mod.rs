//! Queries of mail.
mod mails;
mod references;
mod suppressions;
mod templates;
mod turns;

pub use mails::{
    MailFilter, OutgoingMail, Row, Waiting, automatic_since, erase, find, find_by_dedupe, insert,
    insert_all, list, lock, note_reason, put, waiting,
};
pub use references::{insert_received, references};
pub use suppressions::{Suppression, lift, suppress, suppressed, suppressions};
pub use templates::{
    OwnTemplate, delete_template, find_template, own_templates, save_template, sources_of,
    template_sources,
};
pub use turns::{
    After, Settled, begin, count, forget_counted, lately, lock_counting, lock_due, record, release,
    renew, settle,
};
