//! What is exported of tickets. Each struct is what is read and what is written.
use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::assignment::Rule;
use crate::db::schema::{
    assignments, attachments, crm_mirrors, events, files, notes, sla_clocks, surveys, ticket_links,
    ticket_watchers, tickets, time_entries,
};
use crate::kernel::{
    AccountId, AgentId, AssignmentId, AttachmentId, CategoryId, ComponentId, ConnectionId,
    ContactId, DepartmentId, Level, LinkId, NoteId, Priority, ProductId, Role, SurveyId, TicketId,
    TimeEntryId, WorkflowId,
};
use crate::notes::{Channel, NoteVisibility};
use crate::tickets::Source;
use crate::workflow::Category;

/// What a ticket says of itself.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = tickets, check_for_backend(Pg))]
pub struct TicketRow {
    #[serde(skip)]
    pub id: TicketId,
    #[serde(skip)]
    pub number: i64,
    #[serde(skip)]
    pub version: i32,
    #[serde(skip)]
    pub deleted_at: Option<DateTime<Utc>>,
    #[schema(example = "The export stops after 100 rows")]
    pub subject: String,
    #[schema(example = "Since this morning the export of the customer list stops after 100 rows.")]
    pub description: String,
    /// How it was solved.
    #[schema(example = "The limit was raised.")]
    pub resolution: Option<String>,
    pub workflow_id: WorkflowId,
    /// The code of the status.
    #[schema(example = "030")]
    pub status: String,
    /// Of the status.
    pub category: Category,
    pub priority: Priority,
    /// Somebody chose the priority.
    pub priority_manual: bool,
    #[schema(example = 2)]
    pub severity: Option<i16>,
    #[schema(example = 3)]
    pub impact: Option<i16>,
    #[serde(rename = "type")]
    #[schema(example = "incident")]
    pub type_key: String,
    pub level: Level,
    /// The version of the routing table that led it there.
    #[schema(example = 1)]
    pub routing_version: Option<i32>,
    pub department_id: DepartmentId,
    pub assignee_id: Option<AgentId>,
    pub account_id: Option<AccountId>,
    pub contact_id: Option<ContactId>,
    pub product_id: Option<ProductId>,
    pub category_id: Option<CategoryId>,
    pub component_id: Option<ComponentId>,
    pub source: Source,
    #[schema(example = "shop-7731")]
    pub external_id: Option<String>,
    #[schema(example = "https://app.example/exports/7")]
    pub url: Option<String>,
    #[schema(example = "MS-88123")]
    pub vendor_reference: Option<String>,
    #[schema(example = json!(["export"]))]
    pub tags: Vec<String>,
    pub opened_by: Uuid,
    pub opened_by_role: Role,
    pub merged_into: Option<TicketId>,
    #[schema(example = 0)]
    pub reopen_count: i32,
    pub deadline: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub submitted_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

/// A note.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = notes, check_for_backend(Pg))]
pub struct ExportedNote {
    #[serde(skip)]
    pub ticket_id: TicketId,
    pub id: NoteId,
    #[schema(example = 1)]
    pub seq: i32,
    pub visibility: NoteVisibility,
    pub channel: Channel,
    pub author_id: Uuid,
    #[schema(example = "agent")]
    pub author_role: String,
    #[schema(example = "L1 agent A")]
    pub author_name: String,
    #[schema(example = "The export **works** again.")]
    pub body: String,
    pub attachment_ids: Vec<AttachmentId>,
    pub created_at: DateTime<Utc>,
}

/// What is known of a file or a link, without its content.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = attachments, check_for_backend(Pg))]
pub struct ExportedAttachment {
    #[serde(skip)]
    pub ticket_id: TicketId,
    pub id: AttachmentId,
    #[schema(example = 1)]
    pub seq: i32,
    pub visibility: NoteVisibility,
    #[schema(example = "screenshot.png")]
    pub name: String,
    /// Of a link; null for a file that is kept here.
    #[schema(example = "https://files.example/7f3a/screenshot.png")]
    pub url: Option<String>,
    /// Of a file that is kept here.
    #[diesel(select_expression = files::media_type.nullable())]
    #[schema(example = "image/png")]
    pub media_type: Option<String>,
    /// Bytes.
    #[diesel(select_expression = files::size.nullable())]
    #[schema(example = 48213)]
    pub size: Option<i64>,
    pub added_by: Uuid,
    #[schema(example = "Purchasing contact")]
    pub added_by_name: String,
    pub created_at: DateTime<Utc>,
}

/// A status that the ticket reached.
#[derive(Debug, Clone, Queryable, Serialize, ToSchema)]
pub struct ExportedStatusChange {
    #[serde(skip)]
    pub ticket_id: TicketId,
    /// The version that the ticket got with it.
    #[schema(example = 3)]
    pub ticket_version: i32,
    /// Null: it began there.
    #[schema(example = "020")]
    pub from: Option<String>,
    #[schema(example = "030")]
    pub to: Option<String>,
    pub actor_id: Uuid,
    #[schema(example = "agent")]
    pub actor_role: String,
    #[schema(example = "L1 agent A")]
    pub actor_name: String,
    pub at: DateTime<Utc>,
}

/// A decision about who works on the ticket.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = assignments, check_for_backend(Pg))]
pub struct ExportedAssignment {
    #[serde(skip)]
    pub ticket_id: TicketId,
    pub id: AssignmentId,
    pub agent_id: Option<AgentId>,
    pub previous_agent_id: Option<AgentId>,
    pub rule: Rule,
    #[schema(example = "She knows the exports")]
    pub reason: Option<String>,
    pub overridden: bool,
    pub decided_by: Uuid,
    #[schema(example = "Coordinator")]
    pub decided_by_name: String,
    pub decided_at: DateTime<Utc>,
}

/// A clock of the service levels, as far as it does not depend on the present time.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = sla_clocks, check_for_backend(Pg))]
pub struct ExportedClock {
    #[serde(skip)]
    pub ticket_id: TicketId,
    #[schema(example = "first_response")]
    pub metric: String,
    /// 1, 2, 3 ... of the metric.
    #[schema(example = 1)]
    pub cycle: i32,
    #[schema(example = "fulfilled")]
    pub state: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub breached_at: Option<DateTime<Utc>>,
    pub policy_id: Option<Uuid>,
    #[schema(example = 1)]
    pub policy_version: Option<i32>,
}

/// What an agent worked.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = time_entries, check_for_backend(Pg))]
pub struct ExportedTime {
    #[serde(skip)]
    pub ticket_id: TicketId,
    pub id: TimeEntryId,
    pub agent_id: AgentId,
    #[schema(example = 45)]
    pub minutes: i32,
    pub chargeable: bool,
    #[schema(example = "Read the logs")]
    pub note: Option<String>,
    #[schema(example = "2026-11-20")]
    pub work_date: NaiveDate,
    pub capped: bool,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What the contact answered about a closing of the ticket.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = surveys, check_for_backend(Pg))]
pub struct ExportedAnswer {
    #[serde(skip)]
    pub ticket_id: TicketId,
    pub id: SurveyId,
    pub closed_at: DateTime<Utc>,
    pub contact_id: ContactId,
    pub agent_id: Option<AgentId>,
    /// 1 (worst) to 5.
    #[schema(example = 5)]
    pub rating: Option<i16>,
    #[schema(example = "Quick and friendly")]
    pub comment: Option<String>,
    pub answered_at: Option<DateTime<Utc>>,
    pub changed_at: Option<DateTime<Utc>>,
}

/// A link to another ticket: `from_id` is related to, a duplicate of, a child of, or follows up `to_id`.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = ticket_links, check_for_backend(Pg))]
pub struct ExportedLink {
    pub id: LinkId,
    #[schema(example = "child_of")]
    pub kind: String,
    pub from_id: TicketId,
    pub to_id: TicketId,
    pub linked_by: Uuid,
    pub linked_at: DateTime<Utc>,
}

/// Somebody who is told what happens to the ticket.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = ticket_watchers, check_for_backend(Pg))]
pub struct ExportedWatcher {
    #[serde(skip)]
    pub ticket_id: TicketId,
    pub agent_id: Option<AgentId>,
    pub contact_id: Option<ContactId>,
    pub added_at: DateTime<Utc>,
}

/// The ticket's record in a CRM.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = crm_mirrors, check_for_backend(Pg))]
pub struct ExportedCase {
    #[serde(skip)]
    pub ticket_id: TicketId,
    pub connection_id: ConnectionId,
    #[schema(example = "8a3c0d3e-7f7b-5a3e-9a63-4d0f2e6f4b11")]
    pub remote_id: Option<String>,
}

pub fn tickets(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<TicketRow>> {
    tickets::table.filter(tickets::id.eq_any(ids)).select(TicketRow::as_select()).load(conn)
}

/// The rows of these tickets in one of the tables that belong to them, in this order.
macro_rules! of_tickets {
    ($(#[$doc:meta])* $name:ident, $table:ident, $row:ty, $order:expr $(, $more:expr)?) => {
        $(#[$doc])*
        pub fn $name(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<$row>> {
            $table::table
                .filter($table::ticket_id.eq_any(ids))
                $(.filter($more))?
                .order($order)
                .select(<$row>::as_select())
                .load(conn)
        }
    };
}

of_tickets!(notes, notes, ExportedNote, notes::seq);
of_tickets!(assignments, assignments, ExportedAssignment, assignments::id);
of_tickets!(clocks, sla_clocks, ExportedClock, (sla_clocks::metric, sla_clocks::cycle));
of_tickets!(times, time_entries, ExportedTime, (time_entries::work_date, time_entries::id));
of_tickets!(
    /// Those that were answered.
    answers, surveys, ExportedAnswer, surveys::closed_at, surveys::rating.is_not_null()
);
of_tickets!(watchers, ticket_watchers, ExportedWatcher, ticket_watchers::added_at);
of_tickets!(
    /// Those that the CRM has.
    cases, crm_mirrors, ExportedCase, crm_mirrors::connection_id, crm_mirrors::remote_id.is_not_null()
);

pub fn attachments(
    conn: &mut PgConnection,
    ids: &[TicketId],
) -> QueryResult<Vec<ExportedAttachment>> {
    attachments::table
        .left_join(files::table)
        .filter(attachments::ticket_id.eq_any(ids))
        .order(attachments::seq)
        .select(ExportedAttachment::as_select())
        .load(conn)
}

/// The links of these tickets, whichever end they are.
pub fn links(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<ExportedLink>> {
    let end = ticket_links::from_id.eq_any(ids).or(ticket_links::to_id.eq_any(ids));
    ticket_links::table
        .filter(end)
        .order(ticket_links::id)
        .select(ExportedLink::as_select())
        .load(conn)
}

pub fn status_changes(
    conn: &mut PgConnection,
    ids: &[TicketId],
) -> QueryResult<Vec<ExportedStatusChange>> {
    let end = |end: &str| sql::<Nullable<Text>>(&format!("events.changes -> 'status' ->> '{end}'"));
    events::table
        .filter(events::ticket_id.eq_any(ids))
        .filter(events::changes.has_key("status"))
        .order(events::ticket_version)
        .select((
            events::ticket_id.assume_not_null(),
            events::ticket_version.assume_not_null(),
            end("from"),
            end("to"),
            events::actor_id,
            events::actor_role,
            events::actor_name,
            events::occurred_at,
        ))
        .load(conn)
}
