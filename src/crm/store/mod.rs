//! Queries of the mirror's tables, and what it reads of the desk.
mod backfill;
mod conflicts;
mod connections;
mod desk;
mod leads;
mod links;
mod mirrors;
mod work;

pub use backfill::*;
pub use conflicts::*;
pub use connections::*;
pub use desk::*;
pub use leads::*;
pub use links::*;
pub use mirrors::*;
pub use work::*;
