//! Statuses and transitions as data, and the pure machine that reads them.
//!
//! Administrators change workflows through the API. Every change renews the workflow's revision, under which all replicas
//! keep it in memory.
mod diagram;
mod http;
mod rules;
pub mod service;
mod store;

pub use http::routes;
pub use rules::*;
pub use service::{awaiting_codes, load};
