//! Queries of the tickets, their elevations and their processes.
mod conversions;
mod elevations;
mod find;
mod list;
mod processes;
mod row;
mod sql;
mod triage;
mod write;

pub use conversions::{Conversion, conversion, conversions, insert_conversion};
pub use elevations::{Elevation, elevations, insert_elevation};
pub use find::{
    find, in_status, lock, lock_automatic_due, lock_in_status, lock_waiting, waiting, waiting_pools,
};
pub use list::{Filter, Key, Sort, count, list};
pub use processes::{Attached, Step, attach, attached, detach, mark};
pub use row::{Located, Summary, Ticket};
pub use triage::{QueueKey, differing, differing_count, manual_count, untriaged, untriaged_counts};
pub use write::{insert, save};
