//! The ticket: open, read, list, reply, move through its workflow, assign, transfer, elevate, delete.
mod http;
mod rules;
pub mod service;
mod store;

pub use http::{
    BoundedCount, COLUMNS, DESK_COLUMNS, ListQuery, OperationKind, TicketSummary, TicketView,
    answer_list, answer_ticket, found_by, operation, routes,
};
pub use rules::{
    Actions, ConversionKind, Lead, RedactedField, SlaStanding, Source, Span, WorkOrder,
    WorkflowMove,
};
pub use service::InWorkflow;
pub use store::{Conversion, Filter, Redaction, Selection, Sort, Ticket, visible};
