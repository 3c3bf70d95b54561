//! What happens is sent to other programs, as Standard Webhooks says:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
//!
//! A webhook reads the feed like any other reader, from its own position on, and queues a delivery for each event that it asks for. Each
//! webhook is served by itself, by one process at a time: one that does not answer delays no other.
mod deliverer;
mod guard;
mod http;
mod rules;
mod sender;
mod service;
mod signature;
mod store;

pub use deliverer::Webhooks;
pub use http::routes;
pub use service::{REPLAY, erase, replay_step, reseal};
