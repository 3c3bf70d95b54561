//! Queries of reports.
mod facts;
mod follow;
mod measures;
mod outcomes;
mod statement;

pub use facts::*;
pub use follow::*;
pub use measures::*;
pub use outcomes::*;
pub use statement::*;
