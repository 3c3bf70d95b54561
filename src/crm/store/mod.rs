//! Queries of the mirror's tables, and what it reads of the desk.
mod backfill;
mod conflicts;
mod connections;
mod desk;
mod directory;
mod imports;
mod leads;
mod differences;
mod links;
mod mirrors;
mod unmapped;
mod work;

pub use backfill::*;
pub use conflicts::*;
pub use connections::*;
pub use desk::*;
pub use differences::*;
pub use directory::*;
pub use imports::*;
pub use leads::*;
pub use links::*;
pub use mirrors::*;
pub use unmapped::*;
pub use work::*;
