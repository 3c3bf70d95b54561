//! The queue of tickets that nobody has, and who would get one that is not there yet.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::service::{self, Waiting, WouldOpen};
use super::super::store::QueueFilter;
use super::view::TicketSummary;
use crate::assignment::{DecisionView, Verdict};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Params, now};
use crate::kernel::{
    AccountId, Actor, AppError, CategoryId, ComponentId, ContactId, DepartmentId, Level, Page,
    PageRequest, Permission, ProductId,
};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct QueueQuery {
    /// Only this department's.
    department: Option<DepartmentId>,
    /// Only this level's.
    #[param(inline)]
    level: Option<Level>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter.
    cursor: Option<String>,
}

/// A ticket that waits for somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingTicket {
    ticket: TicketSummary,
    /// When it was last decided that it waits.
    waiting_since: DateTime<Utc>,
    /// What prevents those who work in its department and level; empty: nobody works there.
    why: Vec<Hindrance>,
}

/// Why nobody takes a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hindrance {
    /// `eligible`: they get it in a moment.
    verdict: Verdict,
    /// How many agents.
    #[schema(example = 3)]
    agents: usize,
}

impl WaitingTicket {
    fn new(waiting: Waiting, actor: &Actor, now: DateTime<Utc>) -> Self {
        let why = waiting.why.into_iter();
        Self {
            ticket: TicketSummary::new(waiting.ticket.row, &waiting.ticket.workflow, actor, now),
            waiting_since: waiting.since,
            why: why.map(|(verdict, agents)| Hindrance { verdict, agents }).collect(),
        }
    }
}

/// List the tickets that wait for somebody
///
/// Open tickets that nobody has, in the order in which they are given out: most urgent first, then oldest. With since when
/// they wait and why nobody takes them.
#[utoipa::path(
    tag = "assignment",
    params(QueueQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of the queue", body = Page<WaitingTicket>)),
)]
#[get("/assignment/queue")]
pub async fn list_waiting_tickets(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<QueueQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let filter = QueueFilter { department: query.department, level: query.level };
    let page =
        PageRequest::new(query.limit, query.cursor.as_deref(), &format!("queue {filter:?}"))?;
    db.read(move |conn| {
        let now = now();
        let page = service::queue(conn, &caller, filter, &page, now)?;
        Answer::page(&page.map(|waiting| WaitingTicket::new(waiting, &caller, now)))
    })
    .await
}

/// What a ticket would be about.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentQuestion {
    /// Checked with the contact and the product when it is given.
    #[garde(skip)]
    account_id: Option<AccountId>,
    #[garde(skip)]
    contact_id: Option<ContactId>,
    #[garde(skip)]
    product_id: Option<ProductId>,
    #[garde(skip)]
    category_id: Option<CategoryId>,
    /// Decides department and level; without it, the default department takes the ticket at level L1.
    #[garde(skip)]
    component_id: Option<ComponentId>,
    /// The key of a ticket type.
    #[serde(default = "question", rename = "type")]
    #[garde(length(chars, min = 1, max = 60))]
    #[schema(example = "question")]
    type_key: String,
}

fn question() -> String {
    "question".into()
}

/// Where such a ticket would go, and to whom.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssignmentPreview {
    department_id: DepartmentId,
    level: Level,
    /// Why it would go there.
    #[schema(
        example = "The component Report Writer of CoreTrac belongs to level L1, in the department Support."
    )]
    routing: String,
    assignment: DecisionView,
}

/// Preview who would get a ticket
///
/// For a ticket that is not opened: where it would be routed, who would be looked at, and who would get it now. Opens
/// nothing, and reserves nobody.
#[utoipa::path(
    tag = "assignment",
    request_body = AssignmentQuestion,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The decision", body = AssignmentPreview)),
)]
#[post("/assignment/preview")]
pub async fn preview_assignment(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<AssignmentQuestion>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let would = WouldOpen {
        account_id: body.account_id,
        contact_id: body.contact_id,
        product_id: body.product_id,
        category_id: body.category_id,
        component_id: body.component_id,
        type_key: body.type_key,
    };
    let decided =
        db.read(move |conn| service::preview(conn, &caller, would.clone(), now())).await?;
    let (route, decision) = decided;
    Answer::ok(&AssignmentPreview {
        department_id: route.department_id,
        level: route.level,
        routing: route.explanation,
        assignment: decision.into(),
    })
}
