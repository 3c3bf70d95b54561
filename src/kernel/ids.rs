//! One type per id, so that a `NoteId` can never be passed where a `TicketId` is meant.
use diesel_derive_newtype::DieselNewType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize, ToSchema, DieselNewType)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id: version 7 (RFC 9562), so that ids sort by creation time.
            #[expect(clippy::new_without_default, reason = "a default would hide a side effect")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// Identifies a customer's organization.
    AccountId,
    /// Identifies a person at a customer.
    ContactId,
    /// Identifies a person who works at the desk.
    AgentId,
    /// Identifies a department of the desk.
    DepartmentId,
    /// Identifies a product that accounts have.
    ProductId,
    /// Identifies a category: what a ticket is about when no product fits.
    CategoryId,
    /// Identifies a component of a product; it routes tickets.
    ComponentId,
    /// Identifies a workflow.
    WorkflowId,
    /// Identifies a transition of a workflow.
    TransitionId,
    /// Identifies a ticket.
    TicketId,
    /// Identifies a note on a ticket.
    NoteId,
    /// Identifies a recorded assignment decision.
    AssignmentId,
    /// Identifies a recorded elevation.
    ElevationId,
    /// Identifies an integration client.
    ClientId,
    /// Identifies a connection to a CRM.
    ConnectionId,
    /// Identifies a recorded conflict between desk and CRM.
    ConflictId,
}
