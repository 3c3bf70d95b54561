//! Queries of the tickets and their elevations.
mod conversions;
mod elevations;
mod filter;
mod find;
mod list;
mod row;
mod search;
mod sql;
mod write;

pub use conversions::{Conversion, conversion, insert_conversion};
pub use elevations::{Elevation, elevations, insert_elevation};
pub use filter::{Due, Filter, Range};
pub use find::{find, lock, lock_automatic_due, lock_waiting, waiting, waiting_pools};
pub use list::{Sort, count, counts, list, summaries};
pub use row::{Located, Summary, Ticket};
pub use search::{Ranked, descriptions, ranked};
pub use write::{insert, save};
