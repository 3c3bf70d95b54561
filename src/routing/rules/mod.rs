//! Pure rules of routing.
mod checklist;
mod levels;
mod table;

pub use checklist::{CheckedBy, Facts, Finding, Mark, Seen, State, TicketStep};
pub use levels::LevelChange;
pub use table::{RoutingRow, RoutingRowChange, diff};
