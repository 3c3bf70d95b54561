//! A ticket's component decides the level and the department that own it; from there it may be elevated, or follow the
//! process of a team outside. The table of the components is versioned.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use rules::{CheckedBy, Facts, Finding, LevelChange, Mark, Seen, State, TicketStep};
pub use service::{Route, resolve};
pub use store::Process;
