//! Service levels: how soon a customer is answered, and how soon a ticket is solved.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use service::create_calendar;
pub use store::{BusinessWeek, Calendar, ExceptDays};
