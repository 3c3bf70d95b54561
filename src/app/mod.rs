//! The composition root: the one place where everything meets.
mod background;
mod health;
mod run;
mod server;

pub use background::CONSUMERS;
pub use run::{Service, attend, run};
pub use server::{openapi, server};
