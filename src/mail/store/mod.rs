//! Queries of mail.
mod mails;
mod templates;

pub use mails::{Row, find_by_dedupe, insert};
pub use templates::template_sources;
