//! Use cases of mail.
mod queue;

pub use queue::queue;
