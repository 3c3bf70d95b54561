//! Customers who do not reply are told by mail that the desk waits for them.
mod service;

pub use service::heed_next;
