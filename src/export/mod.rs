//! Everything that tickets have, as a stream for warehouses that goes on where it ended.
mod http;
mod rules;
mod service;
mod store;

pub use http::{Exports, routes};
pub use service::put_in_order;
