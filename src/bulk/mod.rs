//! One operation on many tickets: a job that decides each ticket by itself, with the rights of who asked.
//!
//! The tickets are chosen when the job is started. Each is worked on once: its effect, its outcome and the job's progress are
//! one transaction, so a crash repeats nothing and leaves nothing out.
mod http;
mod service;
mod store;

pub use http::routes;
pub use service::{BULK, erase, step};
