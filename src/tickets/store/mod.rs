//! Queries of the tickets and their elevations.
mod conversions;
mod elevations;
mod find;
mod list;
mod row;
mod sql;
mod write;

pub use conversions::{Conversion, conversion, conversions, insert_conversion};
pub use elevations::{Elevation, elevations, insert_elevation};
pub use find::{
    find, in_status, lock, lock_automatic_due, lock_in_status, lock_waiting, waiting, waiting_pools,
};
pub use list::{Filter, Key, Sort, count, list};
pub use row::{Located, Summary, Ticket};
pub use write::{insert, save};
