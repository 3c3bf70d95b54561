//! Who is told of what happens, and how: in a feed of their own, by mail, at once or in a digest, and over the events that
//! integrations read. Nothing that was said is kept here: what somebody is told is read from the event, its ticket and its note.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use service::{Notifier, hold_back};
