//! How urgent a ticket is: severity x impact, through a matrix that an administrator edits. Tickets are triaged through
//! `tickets::service`, because triage moves the ticket's version.
mod rules;
mod service;
mod store;

pub use rules::{Choice, GRADES, Priorities, decide};
pub use service::{matrix, replace};
pub use store::TriageMatrix;
