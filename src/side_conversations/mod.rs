//! Side conversations: mail threads from a ticket to people outside, such as an account manager or a vendor. The customer
//! never sees them.
mod http;
mod rules;
mod service;
mod store;

pub use http::routes;
pub use rules::{Participants, SideConversationState};
pub use service::{Reply, erase, find, receive};
pub use store::SideConversation;
