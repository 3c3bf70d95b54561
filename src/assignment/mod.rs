//! Who works on a ticket, and why: the least-loaded available agent, decided on locked rows.
mod rules;
mod service;
mod store;
mod view;

pub use rules::{Choice, Need, Rule, Verdict};
pub use service::{
    Decision, Previous, appoint, could_be_taken, decided_at, explain, keep_or_pick, pick, preview,
    record, to_nobody, why_nobody,
};
pub use store::erase;
pub use view::{AssignmentView, DecisionView};
