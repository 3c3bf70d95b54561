//! Service levels: how soon a customer is answered, and how soon a ticket is solved.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use rules::{Metric, Side, Terms};
pub use service::{
    MeasuredBy, create_calendar, create_policy, derive_some, mark_stale, postpone_first, speaker,
    tell_next, tell_of_delay,
};
pub use store::{BusinessWeek, Calendar, ExceptDays, KeptTerms, SlaPolicy};
