//! The endpoints of bulk jobs. How far one is, its job tells.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::service::{self, BulkOperation, Chosen, Wanted};
use super::store::Item;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, Params, PathId, now};
use crate::jobs::JobView;
use crate::kernel::{Actor, AppError, FieldError, JobId, Page, PageRequest, Permission, TicketId};
use crate::tickets::found_by;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(start_bulk_job).service(list_bulk_outcomes);
}

/// One operation, and the tickets that it is done with: either `ids` or `filter`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartBulkJob {
    #[garde(skip)]
    #[schema(example = "tags")]
    operation: BulkOperation,
    /// What the operation of that name takes.
    #[serde(default = "empty")]
    #[garde(skip)]
    #[schema(value_type = Object, example = json!({"add": ["export"]}))]
    body: Value,
    /// These tickets, each once.
    #[garde(inner(length(min = 1, max = 10_000)))]
    ids: Option<Vec<TicketId>>,
    /// The tickets that `GET /v1/tickets` finds now with this query, 10,000 at the most.
    #[garde(length(max = 2000))]
    #[schema(example = "status=016&assignee=none")]
    filter: Option<String>,
}

fn empty() -> Value {
    json!({})
}

impl StartBulkJob {
    fn read(self, actor: &Actor) -> Result<(Wanted, Chosen), AppError> {
        let chosen = match (self.ids, self.filter) {
            (Some(ids), None) => Chosen::These(ids),
            (None, Some(filter)) => {
                let wrong = |error: AppError| AppError::field("/filter", error.to_string());
                Chosen::Found(Box::new(found_by(&filter, actor).map_err(wrong)?))
            }
            _ => return Err(AppError::field("/ids", "give ids or filter")),
        };
        // What no ticket could take is refused at once.
        service::check(self.operation, &self.body, actor).map_err(|error| match error {
            AppError::Invalid(errors) => {
                let from_here =
                    |e: FieldError| FieldError::new(format!("/body{}", e.pointer), e.detail);
                AppError::Invalid(errors.into_iter().map(from_here).collect())
            }
            error => error,
        })?;
        Ok((Wanted { kind: self.operation, body: self.body }, chosen))
    }
}

/// Do one operation on many tickets
///
/// A job works on up to 10,000 tickets, one after another, each with your rights and by the same rules as by itself: one that is
/// refused stops no other. It goes on after a crash and works on each ticket once. You have one such job at a time.
#[utoipa::path(
    tag = "jobs",
    params(Idempotency),
    request_body(content = StartBulkJob, example = json!({
        "operation": "tags", "body": {"add": ["export"], "remove": []}, "filter": "category=active&tag=csv",
    })),
    security(
        ("client_credentials" = ["tickets:read", "tickets:work"]),
    ),
    responses((status = 202, description = "The job", body = JobView)),
)]
#[post("/bulk-jobs")]
async fn start_bulk_job(
    db: web::Data<Db>,
    caller: Caller,
    key: Idempotency,
    body: Body<StartBulkJob>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let fingerprint = body.fingerprint.clone();
    let (wanted, chosen) = body.into_inner().read(&caller)?;
    db.quiet_tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            JobView::accepted(service::start(conn, &caller, wanted, chosen, now())?)
        })
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OutcomeQuery {
    /// True: only tickets with which it was not done.
    #[serde(default)]
    refused: bool,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// What became of a ticket.
#[derive(Debug, Serialize, ToSchema)]
struct BulkOutcome {
    ticket_id: TicketId,
    /// As for the operation by itself.
    #[schema(example = 200)]
    status: Option<i16>,
    /// The ticket's version then.
    #[schema(example = 4)]
    version: Option<i32>,
    /// Why not: stable, what a program branches on.
    #[schema(example = "ticket_closed")]
    code: Option<String>,
    #[schema(example = "a closed ticket is assigned when it is reopened")]
    detail: Option<String>,
    done_at: Option<DateTime<Utc>>,
}

impl From<Item> for BulkOutcome {
    fn from(item: Item) -> Self {
        let Item { ticket_id, status, version, code, detail, done_at, .. } = item;
        Self { ticket_id, status, version, code, detail, done_at }
    }
}

/// List what became of the tickets of your bulk job
///
/// Also while it is at work, in the order in which it works on them.
#[utoipa::path(
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job's id"), OutcomeQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of outcomes", body = Page<BulkOutcome>)),
)]
#[get("/bulk-jobs/{id}/outcomes")]
async fn list_bulk_outcomes(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<JobId>,
    query: Params<OutcomeQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (refused, binding) = (query.refused, format!("outcomes {} {}", id.0, query.refused));
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let found = db.read(move |conn| service::outcomes(conn, &caller, id.0, refused, &page)).await?;
    Answer::page(&found.map(BulkOutcome::from))
}
