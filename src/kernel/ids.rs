//! One type per id, so that a `NoteId` can never be passed where a `TicketId` is meant.
use diesel_derive_newtype::DieselNewType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $(= $example:tt)?),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize, ToSchema, DieselNewType)]
        #[serde(transparent)]
        #[schema(value_type = Uuid $(, example = $example)?)]
        pub struct $name(pub Uuid);

        impl $name {
            $(
                /// The id of the seed data's thing of this kind, so that the specification's examples work as they are.
                pub const EXAMPLE: Self = Self(uuid::uuid!($example));
            )?

            /// A fresh id: version 7 (RFC 9562), so that ids sort by creation time.
            #[expect(clippy::new_without_default, reason = "a default would hide a side effect")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
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
    AccountId = "0199f0c2-b1c9-7000-8000-000000000001",
    /// Identifies a person at a customer.
    ContactId = "0199f0c2-b1c9-7000-8000-000000000002",
    /// Identifies a person who works at the desk.
    AgentId = "0199f0c2-b1c9-7000-8000-000000000003",
    /// Identifies a department of the desk.
    DepartmentId = "0199f0c2-b1c9-7000-8000-000000000004",
    /// Identifies a product that accounts have.
    ProductId = "0199f0c2-b1c9-7000-8000-000000000005",
    /// Identifies a category: what a ticket is about when no product fits.
    CategoryId = "0199f0c2-b1c9-7000-8000-000000000006",
    /// Identifies a component of a product; it routes tickets.
    ComponentId = "0199f0c2-b1c9-7000-8000-000000000007",
    /// Identifies a workflow.
    WorkflowId = "0199f0c2-b1c9-7000-8000-000000000008",
    /// Identifies a transition of a workflow.
    TransitionId,
    /// Identifies a ticket.
    TicketId = "0199f0c2-b1c9-7000-8000-000000000009",
    /// Identifies a note on a ticket.
    NoteId,
    /// Identifies a file that is attached to a ticket.
    AttachmentId,
    /// Identifies a file that was sent here.
    FileId,
    /// Identifies a link between two tickets.
    LinkId,
    /// Identifies a recorded assignment decision.
    AssignmentId,
    /// Identifies a recorded elevation.
    ElevationId,
    /// Identifies a recorded redaction.
    RedactionId,
    /// Identifies an agent's appointment on a ticket.
    AppointmentId,
    /// Identifies a start or a deadline that was missed.
    DelayId,
    /// Identifies a mail that goes out.
    MailId,
    /// Identifies an address that no mail is sent to.
    SuppressionId,
    /// Identifies a mail that came in.
    InboundMailId,
    /// Identifies a mail thread from a ticket to people outside.
    SideConversationId,
    /// Identifies what was said in a side conversation.
    SideMessageId,
    /// Identifies what a customer is asked after a ticket was closed.
    SurveyId,
    /// Identifies what somebody is told.
    NotificationId,
    /// Identifies an address that is told what happens.
    WebhookId,
    /// Identifies an event that is delivered to a webhook.
    WebhookDeliveryId,
    /// Identifies a calendar of business hours.
    CalendarId = "0199f0c2-b1c9-7000-8000-000000000301",
    /// Identifies a policy of service levels.
    SlaPolicyId = "0199f0c2-b1c9-7000-8000-000000000302",
    /// Identifies what an agent worked on a ticket.
    TimeEntryId,
    /// Identifies what an hour of work costs.
    HourlyRateId,
    /// Identifies an integration client.
    ClientId,
    /// Identifies a connection to a CRM.
    ConnectionId,
    /// Identifies a job.
    JobId,
    /// Identifies a difference between a ticket and its case.
    DifferenceId,
    /// Identifies a recorded conflict between desk and CRM.
    ConflictId,
    /// Identifies a saved view.
    ViewId = "0199f0c2-b1c9-7000-8000-000000000101",
    /// Identifies a canned reply.
    CannedReplyId,
    /// Identifies a macro.
    MacroId = "0199f0c2-b1c9-7000-8000-000000000201",
}
