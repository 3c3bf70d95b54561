//! Queries of the mirror's tables, and what it reads of the desk.
mod conflicts;
mod connections;
mod desk;
mod hooks;
mod links;
mod mirrors;
mod protocol;
mod work;

pub use conflicts::*;
pub use connections::*;
pub use desk::*;
pub use hooks::*;
pub use links::*;
pub use mirrors::*;
pub use protocol::*;
pub use work::*;
