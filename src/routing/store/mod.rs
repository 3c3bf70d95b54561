//! Queries of the routing table. They read across features, and only read.
mod resolve;
mod versions;

pub use resolve::{Entry, Owner, Process, Wanted, default_owner, entries, entries_at};
pub use versions::{
    RoutingVersion, changed_between, latest, rows_at, version, version_at, versions,
};
