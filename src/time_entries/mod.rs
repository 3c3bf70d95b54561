//! What agents work on tickets: entries, timers, what an hour costs, totals.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use service::{book_forgotten, erase};
