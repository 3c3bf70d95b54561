//! A ticket as clients see it; a contact sees the customer's side of it.
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::rules::{Actions, SlaStanding, Source};
use super::super::service::InWorkflow;
use super::super::store::{Outlook, Summary, Ticket};
use crate::http::Answer;
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, CategoryId, ComponentId, ContactId, DepartmentId, Level,
    Priority, ProductId, SlaPolicyId, TicketId, WorkflowId, rfc3339,
};
use crate::workflow::{self, Awaiting, Category, Requirement, Workflow};

/// Where a ticket stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketStatus {
    /// What the customer sees, and all that a contact sees.
    #[schema(example = "Under investigation")]
    label: String,
    #[schema(example = "030")]
    code: Option<String>,
    #[schema(example = "ANALYSIS")]
    key: Option<String>,
    #[schema(example = "Problem analysis")]
    name: Option<String>,
    category: Category,
    /// Whose turn it is.
    awaiting: Awaiting,
}

/// A ticket without its long texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketSummary {
    id: TicketId,
    /// Readable; what people quote.
    #[schema(example = "CB-1042")]
    number: String,
    #[schema(example = "The export stops after 100 rows")]
    subject: String,
    status: TicketStatus,
    priority: Priority,
    /// The key of a ticket type.
    #[schema(example = "incident")]
    r#type: String,
    account_id: Option<AccountId>,
    contact_id: Option<ContactId>,
    product_id: Option<ProductId>,
    category_id: Option<CategoryId>,
    component_id: Option<ComponentId>,
    #[schema(example = "https://app.example/exports/7")]
    url: Option<String>,
    #[serde(serialize_with = "rfc3339::option")]
    deadline: Option<DateTime<Utc>>,
    #[schema(example = json!(["export"]))]
    tags: Vec<String>,
    source: Source,
    /// The id in the system that it came from; unique with `source`.
    #[schema(example = "shop-7731")]
    external_id: Option<String>,
    /// The ticket that this one was merged into.
    merged_into: Option<TicketId>,
    /// The desk's side; absent for a contact.
    #[serde(flatten)]
    desk: Option<DeskSide>,
    #[schema(example = 0)]
    reopen_count: i32,
    #[serde(serialize_with = "rfc3339::serialize")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    updated_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::option")]
    submitted_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "rfc3339::option")]
    closed_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "rfc3339::option")]
    deleted_at: Option<DateTime<Utc>>,
    /// Send it as `If-Match: "v<version>"` with a change.
    #[schema(example = 3)]
    version: i32,
}

/// The fields of a ticket that a list can show.
pub const COLUMNS: &[&str] = &[
    "number",
    "subject",
    "status",
    "priority",
    "type",
    "account_id",
    "contact_id",
    "product_id",
    "category_id",
    "component_id",
    "url",
    "deadline",
    "tags",
    "source",
    "external_id",
    "merged_into",
    "reopen_count",
    "created_at",
    "updated_at",
    "submitted_at",
    "closed_at",
    "version",
];

/// Those that it can show to the desk only.
pub const DESK_COLUMNS: &[&str] = &[
    "workflow_id",
    "department_id",
    "level",
    "routing_version",
    "assignee_id",
    "vendor_reference",
    "severity",
    "impact",
    "priority_manual",
    "sla",
    "sla_policy_id",
    "opened_by",
    "opened_by_role",
    "note_count",
    "deleted_at",
];

/// What only the desk sees of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskSide {
    workflow_id: WorkflowId,
    department_id: DepartmentId,
    level: Level,
    /// The version of the routing table that led it there.
    #[schema(example = 1)]
    routing_version: Option<i32>,
    assignee_id: Option<AgentId>,
    /// The vendor's number for the problem.
    #[schema(example = "MS-88123")]
    vendor_reference: Option<String>,
    /// How bad it is, 1 (worst) to 4; null until triage.
    #[schema(example = 2)]
    severity: Option<i16>,
    /// How many it concerns, 1 (most) to 4; null until triage.
    #[schema(example = 3)]
    impact: Option<i16>,
    /// Somebody chose the priority; triage keeps it.
    priority_manual: bool,
    /// How it stands to its service levels; a moment behind what happens, unlike `/sla`.
    sla: TicketOutlook,
    /// The policy that was attached to it; null: it is measured by the first that fits.
    sla_policy_id: Option<SlaPolicyId>,
    /// The contact, agent or client who opened it.
    opened_by: Uuid,
    #[schema(example = "agent")]
    opened_by_role: String,
    #[schema(example = 2)]
    note_count: i32,
}

/// How a ticket stands to its service levels.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketOutlook {
    standing: SlaStanding,
    /// The clock that is due next.
    #[schema(example = "first_response")]
    metric: Option<String>,
    /// When it is due, or was; null: nothing is, or what is due is paused.
    #[serde(serialize_with = "rfc3339::option")]
    due_at: Option<DateTime<Utc>>,
}

impl TicketOutlook {
    fn new(outlook: Option<Outlook>, now: DateTime<Utc>) -> Self {
        let none = Outlook { standing: SlaStanding::None, metric: None, due_at: None };
        let Outlook { standing, metric, due_at } = outlook.unwrap_or(none);
        Self { standing: standing.at(due_at, now), metric, due_at }
    }
}

/// A whole ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketView {
    #[serde(flatten)]
    summary: TicketSummary,
    #[schema(example = "Since this morning the export of the customer list stops after 100 rows.")]
    description: String,
    /// How it was solved.
    #[schema(example = "The limit was raised.")]
    resolution: Option<String>,
    /// What this caller may do now.
    allowed_transitions: Vec<TransitionView>,
}

/// A transition that is possible now.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransitionView {
    /// The code of the status that it leads to; send it as `to`.
    #[schema(example = "050")]
    to: String,
    /// What the status is called, to this caller.
    #[schema(example = "Closed")]
    label: String,
    category: Option<Category>,
    /// What has to be sent along.
    requires: Vec<Requirement>,
}

impl TicketSummary {
    /// The id and these of the fields.
    pub fn only(&self, fields: &[String]) -> Result<Map<String, Value>, AppError> {
        let Value::Object(mut all) = serde_json::to_value(self).map_err(AppError::internal)? else {
            return Ok(Map::new());
        };
        all.retain(|name, _| name == "id" || fields.contains(name));
        Ok(all)
    }

    pub fn new(row: Summary, workflow: &Workflow, actor: &Actor, now: DateTime<Utc>) -> Self {
        let desk = !actor.is_contact();
        let status = workflow.status(&row.status);
        let awaiting = status.map_or(Awaiting::Nobody, |s| s.awaiting);
        Self {
            id: row.id,
            number: format!("CB-{}", row.number),
            subject: row.subject,
            status: TicketStatus {
                label: status.map(|s| s.customer_label.clone()).unwrap_or_default(),
                code: desk.then(|| row.status.clone()),
                key: status.filter(|_| desk).map(|s| s.key.clone()),
                name: status.filter(|_| desk).map(|s| s.name.clone()),
                category: if desk { row.category } else { row.category.for_customers() },
                awaiting: if desk { awaiting } else { awaiting.for_customers() },
            },
            priority: row.priority,
            r#type: row.type_key,
            account_id: row.account_id,
            contact_id: row.contact_id,
            product_id: row.product_id,
            category_id: row.category_id,
            component_id: row.component_id,
            url: row.url,
            deadline: row.deadline,
            tags: row.tags,
            source: row.source,
            external_id: row.external_id,
            merged_into: row.merged_into,
            desk: desk.then(|| DeskSide {
                workflow_id: row.workflow_id,
                department_id: row.department_id,
                level: row.level,
                routing_version: row.routing_version,
                assignee_id: row.assignee_id,
                vendor_reference: row.vendor_reference,
                severity: row.severity,
                impact: row.impact,
                priority_manual: row.priority_manual,
                sla: TicketOutlook::new(row.outlook, now),
                sla_policy_id: row.sla_policy_id,
                opened_by: row.opened_by,
                opened_by_role: row.opened_by_role.to_string(),
                note_count: row.note_count,
            }),
            reopen_count: row.reopen_count,
            created_at: row.created_at,
            updated_at: row.updated_at,
            submitted_at: row.submitted_at,
            closed_at: row.closed_at,
            deleted_at: row.deleted_at,
            version: row.version,
        }
    }
}

/// The transitions that this caller may do now.
pub fn transitions(
    ticket: &Ticket,
    workflow: &Workflow,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Vec<TransitionView> {
    let allowed = Actions::allowed(workflow, ticket, actor, now);
    let view = |transition: &workflow::Transition| {
        let status = workflow.status(&transition.to);
        let label = status.map(|s| if actor.is_contact() { &s.customer_label } else { &s.name });
        TransitionView {
            to: transition.to.clone(),
            label: label.cloned().unwrap_or_default(),
            category: status.map(|s| s.category),
            requires: transition.requires.clone(),
        }
    };
    allowed.into_iter().map(view).collect()
}

/// The ticket with the ETag of its version.
pub fn answer(
    ticket: InWorkflow<Ticket>,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Answer, AppError> {
    let version = ticket.row.version;
    Ok(Answer::ok(&view(ticket, actor, now))?.version(version))
}

/// The ticket as this caller sees it.
pub fn view(ticket: InWorkflow<Ticket>, actor: &Actor, now: DateTime<Utc>) -> TicketView {
    let InWorkflow { row, workflow } = ticket;
    let allowed_transitions = transitions(&row, &workflow, actor, now);
    let Ticket { summary, description, resolution, silence: _ } = row;
    let summary = TicketSummary::new(summary, &workflow, actor, now);
    TicketView { summary, description, resolution, allowed_transitions }
}
