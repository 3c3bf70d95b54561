//! Mail: what goes out. Whoever has something to tell renders a template ([`templates::render`]) and queues it
//! ([`service::queue`]) in the transaction that made it true; a [`Mailer`] sends what is queued.
mod http;
mod mailer;
mod message;
mod rules;
mod server;
pub mod service;
mod store;
pub mod templates;
mod thread;

pub use http::routes;
pub use mailer::Mailer;
pub use rules::{Address, MailState, NewMail};
pub use server::Server;
pub use store::OutgoingMail;
pub use thread::{Conversation, Thread};
