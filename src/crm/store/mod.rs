//! Queries of the mirror's tables, and what it reads of the desk.
mod claims;
mod conflicts;
mod connections;
mod desk;
mod flow;
mod links;
mod mirrors;
mod work;

pub use claims::*;
pub use conflicts::*;
pub use connections::*;
pub use desk::*;
pub use flow::*;
pub use links::*;
pub use mirrors::*;
pub use work::*;
