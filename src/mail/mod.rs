//! Mail: what goes out.
mod thread;

pub use thread::{Conversation, Thread};
