//! Who works on a ticket, and why: the least-loaded available agent, decided on locked rows.
mod rules;
mod service;
mod store;
mod view;

pub use rules::{Need, Rule};
pub use service::{
    Decision, Previous, could_be_taken, explain, keep_or_pick, pick, preview, record,
};
pub use store::erase;
pub use view::{AssignmentView, DecisionView};
