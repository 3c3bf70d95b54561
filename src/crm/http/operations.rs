//! How a connection is doing, and what its operator does about it.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::service::{self, Health};
use crate::crm::store::{Cause, ConnectionState, MirrorState, Replay};
use crate::db::Db;
use crate::http::{Answer, Body, PathId};
use crate::jobs::JobView;
use crate::kernel::{AppError, ConnectionId, Permission, TicketId};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_crm_health).service(retry_parked_mirrors);
}

/// How a connection is doing.
#[derive(Debug, Serialize, ToSchema)]
struct HealthView {
    state: ConnectionState,
    /// Why it is paused.
    #[schema(example = "the CRM refused the credentials: invalid_client")]
    reason: Option<String>,
    /// Mirrors that have a case.
    #[schema(example = 1204)]
    linked: i64,
    /// Mirrors with something to be done.
    #[schema(example = 3)]
    backlog: i64,
    /// Seconds since the oldest thing to be done came up; 0 when there is none.
    #[schema(example = 2)]
    lag_seconds: i64,
    /// Every change before this time is in the CRM, except for what is parked.
    synced_until: DateTime<Utc>,
    /// Changes of the CRM were read up to this time of its clock.
    read_until: DateTime<Utc>,
    /// When the CRM last did what it was asked, to the nearest seconds.
    last_success_at: Option<DateTime<Utc>>,
    /// Failures in a row; 0 when all is well.
    #[schema(example = 0)]
    failures: i32,
    /// No call before this time, because of an outage or because the CRM asked for it.
    not_before: Option<DateTime<Utc>>,
    /// Cases that were deleted in the CRM.
    #[schema(example = 0)]
    deleted: i64,
    /// Tickets that were deleted; their cases stay.
    #[schema(example = 2)]
    detached: i64,
    /// What waits for somebody, by cause, the most frequent first.
    parked: Vec<Cause>,
    /// The job that mirrors the tickets from before the connection.
    backfill: Option<JobView>,
    /// The last comparison of everything.
    reconcile: Option<JobView>,
}

impl HealthView {
    fn new(health: Health, now: DateTime<Utc>) -> Self {
        let Health { connection, counts, parked, backfill, reconcile } = health;
        let synced_until = counts.oldest.unwrap_or(now);
        Self {
            state: connection.state,
            reason: connection.reason,
            linked: counts.linked,
            backlog: counts.backlog,
            lag_seconds: (now - synced_until).num_seconds().max(0),
            synced_until,
            read_until: connection.watermark,
            last_success_at: connection.last_success_at,
            failures: connection.failures,
            not_before: connection.not_before.filter(|until| *until > now),
            deleted: counts.deleted,
            detached: counts.detached,
            parked,
            backfill: backfill.map(JobView::from),
            reconcile: reconcile.map(JobView::from),
        }
    }
}

/// Get the health of a connection
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("bearer" = ["crm:read"]), ("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "Backlog, lag, failures, parked items", body = HealthView)),
)]
#[get("/crm/connections/{id}/health")]
async fn get_crm_health(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let health = db.read(move |conn| service::health(conn, id.0)).await?;
    Answer::ok(&HealthView::new(health, Utc::now()))
}

/// How many mirrors an operation has marked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Marked {
    #[schema(example = 3)]
    pub marked: usize,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Instead of the parked ones, those whose case was deleted in the CRM.
    #[serde(default)]
    #[garde(skip)]
    deleted: bool,
    /// Only those with this cause.
    #[garde(inner(length(chars, min = 1, max = 50)))]
    #[schema(example = "unmapped")]
    error_class: Option<String>,
    /// Only this ticket's.
    #[garde(skip)]
    ticket_id: Option<TicketId>,
}

/// Retry what is parked
///
/// After its cause was put right. A mirror whose case was deleted in the CRM gets a new case.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    request_body = RetryBody,
    security(("bearer" = ["crm:write"]), ("client_credentials" = ["crm:write"])),
    responses((status = 202, description = "Marked", body = Marked)),
)]
#[post("/crm/connections/{id}/parked/retry")]
async fn retry_parked_mirrors(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
    body: Body<RetryBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let body = body.into_inner();
    let state = if body.deleted { MirrorState::Deleted } else { MirrorState::Parked };
    let which = Replay { state, error_class: body.error_class, ticket: body.ticket_id };
    let marked = db.tx(move |conn| service::retry(conn, id.0, &which)).await?;
    Ok(Answer::ok(&Marked { marked })?.status(202))
}
