//! Who works on a ticket, and why: the least-loaded available agent, decided on locked rows.
mod rules;
mod service;
mod store;
mod view;

pub use rules::Rule;
pub use service::{Decision, Need, Previous, explain, keep_or_pick, pick, record};
pub use store::Assignment;
pub use view::{AssignmentView, DecisionView};
