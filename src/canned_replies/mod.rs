//! Canned replies: texts that are sent again and again, with placeholders that a ticket fills in.
mod http;
mod placeholders;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use placeholders::{check, inputs, render};
pub use service::values;
