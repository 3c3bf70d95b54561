//! Queries of the tickets and their elevations.
mod conversions;
mod elevations;
mod find;
mod list;
mod row;
mod sql;
mod waiting;
mod write;

pub use conversions::{Conversion, conversion, insert_conversion};
pub use elevations::{Elevation, elevations, insert_elevation};
pub use find::{Watched, find, lock, lock_automatic_due, take_deadlines, visible};
pub use list::{Filter, Key, Sort, count, list};
pub use row::{Located, Summary, Ticket};
pub use waiting::{Kind, QueueFilter, Urgency, lock_first, queue, waiting_kinds};
pub use write::{insert, save};
