//! Mail: what goes out. Whoever has something to tell renders a template ([`templates::render`]) and queues it
//! ([`service::queue`]) in the transaction that made it true; a worker sends what is queued.
mod rules;
pub mod service;
mod store;
pub mod templates;
mod thread;

pub use rules::{Address, MailState, NewMail};
pub use thread::{Conversation, Thread};
