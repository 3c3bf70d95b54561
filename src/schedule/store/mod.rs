//! Queries of the schedule.
mod delays;
mod feeds;
mod tickets;

pub use crate::appointments::*;
pub use delays::*;
pub use feeds::*;
pub use tickets::*;
