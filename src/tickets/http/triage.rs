//! Triage of single tickets, and the queue of those that wait for it.
use actix_web::{get, post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::service::{self, Triage};
use super::notes::AddNote;
use super::view::{TicketSummary, TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PageQuery, Params, PathId, WantsTotal, now, nullable};
use crate::kernel::{AppError, Permission, Priority, TicketId};
use crate::triage::Choice;

/// How bad it is, and how many it concerns.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriageTicket {
    /// 1 (worst) to 4.
    #[garde(range(min = 1, max = 4))]
    #[schema(example = 2, minimum = 1, maximum = 4)]
    severity: i16,
    /// 1 (most) to 4.
    #[garde(range(min = 1, max = 4))]
    #[schema(example = 3, minimum = 1, maximum = 4)]
    impact: i16,
    /// By hand instead of by the matrix; kept from then on. Null: by the matrix, whatever it was. Absent: by the matrix,
    /// unless somebody chose it by hand.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Priority>)]
    priority: Option<Option<Priority>>,
    #[garde(dive)]
    note: Option<AddNote>,
}

/// Triage a ticket
///
/// Severity and impact set the priority through the matrix. A priority that somebody chose by hand is kept, and marked as such.
#[utoipa::path(
    tag = "triage",
    params(("id" = TicketId, Path), IfMatch),
    request_body(content = TriageTicket, example = json!({"severity": 2, "impact": 3})),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/triage")]
pub async fn triage_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<TriageTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let priority = match body.priority {
        None => Choice::Usual,
        Some(None) => Choice::Matrix,
        Some(Some(priority)) => Choice::Manual(priority),
    };
    let note = body.note.map(|note| note.by(&caller));
    let wanted = Triage { severity: body.severity, impact: body.impact, priority, note };
    db.tx(move |conn| {
        let now = now();
        let located = service::triage(conn, &caller, id.0, seen, wanted, now)?;
        answer(located, &caller, now)
    })
    .await
}

/// How many tickets of each priority wait for triage.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueCounts {
    #[schema(example = 1)]
    critical: i64,
    #[schema(example = 2)]
    high: i64,
    #[schema(example = 9)]
    normal: i64,
    #[schema(example = 4)]
    low: i64,
}

/// A page of the queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuePage {
    items: Vec<TicketSummary>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
    /// The cursor of the previous page; null on the first.
    prev: Option<String>,
    /// How many wait in all; only with `Prefer: return=total-count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// The same by priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<QueueCounts>,
}

fn counts(found: &[(Priority, i64)]) -> QueueCounts {
    let of = |priority| found.iter().find(|(p, _)| *p == priority).map_or(0, |(_, count)| *count);
    QueueCounts {
        critical: of(Priority::Critical),
        high: of(Priority::High),
        normal: of(Priority::Normal),
        low: of(Priority::Low),
    }
}

/// List the tickets that wait for triage
///
/// Open tickets that you may see and nobody has triaged: most urgent first, then oldest. They are counted only when you ask
/// with `Prefer: return=total-count`.
#[utoipa::path(
    tag = "triage",
    params(PageQuery, WantsTotal),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of the queue", body = QueuePage)),
)]
#[get("/triage/queue")]
pub async fn list_triage_queue(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
    wants_total: WantsTotal,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::TicketsWork)?;
    let page = query.request("triage queue")?;
    db.read(move |conn| {
        let rows = service::triage_queue(conn, &caller, &page)?;
        let found =
            wants_total.0.then(|| service::triage_queue_counts(conn, &caller)).transpose()?;
        let mut page =
            rows.map(|ticket| TicketSummary::new(ticket.row, &ticket.workflow, &caller, now()));
        let total = found.as_ref().map(|found| found.iter().map(|(_, count)| count).sum());
        let counts = found.as_deref().map(counts);
        let (next, prev) = (page.next.clone(), page.prev.clone());
        let items = std::mem::take(&mut page.items);
        Ok(Answer::ok(&QueuePage { items, next, prev, total, counts })?.links(&page))
    })
    .await
}
