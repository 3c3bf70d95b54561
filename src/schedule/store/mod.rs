//! Queries of the schedule.
mod appointments;
mod delays;
mod feeds;
mod tickets;

pub use appointments::*;
pub use delays::*;
pub use feeds::*;
pub use tickets::*;
