//! The composition root: the one place where everything meets.
mod health;
mod run;
mod server;

pub use run::{CONSUMERS, Service, attend, run};
pub use server::{openapi, server};
