//! When somebody works on a ticket: appointments, reminders, what was missed, and the agents' calendars.
mod http;
mod rules;
pub mod service;
mod store;

pub use http::routes;
