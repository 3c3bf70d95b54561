//! The ticket: open, read, list, reply, move through its workflow, assign, transfer, elevate, delete.
mod http;
mod rules;
pub mod service;
mod store;

pub use http::{
    BoundedCount, COLUMNS, DESK_COLUMNS, ListQuery, TicketSummary, answer_list, routes,
};
pub use rules::{Actions, ConversionKind, Lead, Source};
pub use service::InWorkflow;
pub use store::{Conversion, Filter, Sort, Ticket};
