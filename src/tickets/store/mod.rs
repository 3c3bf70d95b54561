//! Queries of the tickets and their elevations.
mod conversions;
mod drafts;
mod elevations;
mod find;
mod list;
mod redactions;
mod row;
mod sql;
mod tags;
mod watchers;
mod write;

pub use conversions::{Conversion, conversion, insert_conversion};
pub use drafts::{count_drafts, delete_abandoned, delete_draft, drafts, lock_author};
pub use elevations::{Elevation, elevations, insert_elevation};
pub use find::{find, lock, lock_automatic_due, lock_waiting, waiting, waiting_pools};
pub use list::{Filter, Key, Sort, count, ids, list};
pub use redactions::{Redaction, allow_redaction, erase_records, insert_redaction, redactions};
pub use row::{Located, Summary, Ticket};
pub use tags::newest_tags;
pub use watchers::{NewWatcher, Watcher, count_watchers, delete_watcher, insert_watcher, watchers};
pub use write::{insert, save};
