//! Queries of the time entries.
mod entries;
mod rates;
mod timers;

pub use entries::*;
pub use rates::*;
pub use timers::*;
