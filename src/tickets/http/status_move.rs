//! Empty a status of a workflow.
use actix_web::{post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::service::{self, StatusMove};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, PathId, now};
use crate::jobs::JobView;
use crate::kernel::{AppError, Permission, WorkflowId};

/// From which status to which.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "014", "to": "016", "reason": "intake is no longer reviewed"}))]
pub struct MoveTickets {
    #[garde(length(chars, min = 1, max = 30))]
    #[schema(example = "014")]
    from: String,
    #[garde(length(chars, min = 1, max = 30))]
    #[schema(example = "016")]
    to: String,
    /// What the history of each ticket tells; the resolution of those that are closed by it.
    #[garde(length(chars, min = 1, max = 1000))]
    #[schema(example = "intake is no longer reviewed")]
    reason: String,
}

/// Move all tickets of a status
///
/// A job gives every ticket that has the status `from` the status `to`, deleted ones too, whatever the transitions allow: so a status
/// can be deleted, or get another category. Steps of processes that are open do not hold it up either: `reason` is recorded as why.
/// Each ticket tells it in its history, and its case follows.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path)),
    request_body = MoveTickets,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 202, description = "The job", body = JobView)),
)]
#[post("/workflows/{id}/ticket-moves")]
pub async fn move_tickets(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
    body: Body<MoveTickets>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let MoveTickets { from, to, reason } = body.into_inner();
    let wanted = StatusMove { workflow_id: id.0, from, to, reason };
    let start = move |conn: &mut _| service::start_move(conn, &caller, &wanted, now());
    JobView::accepted(db.quiet_tx(start).await?)
}
