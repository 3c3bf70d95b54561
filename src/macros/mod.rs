//! Macros: named lists of actions on a ticket, done together by the normal rules or not at all.
mod http;
mod rules;
mod service;
mod store;

pub use http::{MacroOrder, routes};
pub use service::apply;
