//! How a connection is doing.
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::rules::{self, Breaker};
use crate::crm::service::{self, Health, RECENT};
use crate::crm::store::{Cause, ConnectionState, Counted, ImportRow, LinkKind};
use crate::db::Db;
use crate::http::{Answer, PathId};
use crate::jobs::JobView;
use crate::kernel::{AppError, ConnectionId, Permission};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_crm_health);
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
    /// Why it refuses to tell its changes; null when it told them last time.
    #[schema(example = "the CRM refused the request: no access to the module Cases")]
    poll_error: Option<String>,
    /// Since when it refuses to.
    poll_refused_since: Option<DateTime<Utc>>,
    /// When the CRM last did what it was asked, to the second.
    last_success_at: Option<DateTime<Utc>>,
    /// Failures in a row, of different tickets; 0 when all is well.
    #[schema(example = 0)]
    failures: i32,
    /// No call before this time, because of an outage or because the CRM asked for it.
    not_before: Option<DateTime<Utc>>,
    breaker: Breaker,
    /// Calls of the CRM at a time, by the settings.
    #[schema(example = 8)]
    concurrency: i32,
    /// Calls at a time now: fewer after the CRM asked for fewer requests, and one more with every second that
    /// goes well.
    #[schema(example = 8)]
    allowed: i32,
    recent: Recent,
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
    /// The last comparison of everything; one of some tickets does not count.
    reconcile: Option<JobView>,
    /// The last import of users, accounts, contacts and products.
    import: Option<JobView>,
    /// What it could not list.
    import_errors: Vec<ImportError>,
    /// When the next import is due by the schedule; null where none is scheduled, and while the connection is paused.
    next_import_at: Option<DateTime<Utc>>,
}

/// A kind of record that the CRM did not list.
#[derive(Debug, Serialize, ToSchema)]
struct ImportError {
    kind: LinkKind,
    #[schema(example = "the CRM refused the request: Module AOS_Products does not exist")]
    error: String,
}

/// What the last minutes were like, in all processes together; a few seconds old.
#[derive(Debug, Serialize, ToSchema)]
struct Recent {
    /// How many minutes.
    #[schema(example = 15)]
    minutes: i64,
    /// Mirrors that were brought into agreement.
    #[schema(example = 840)]
    converged: i64,
    /// The same in a minute, on average.
    #[schema(example = 56.0)]
    per_minute: f64,
    /// Half of them agreed within so many milliseconds after the change; exact to a ninth.
    #[schema(example = 95)]
    lag_p50_ms: Option<i64>,
    /// And 99 of 100 within so many.
    #[schema(example = 240)]
    lag_p99_ms: Option<i64>,
    /// Attempts that failed, by class, the most frequent first.
    errors: Vec<ErrorCount>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorCount {
    #[schema(example = "transient")]
    error_class: String,
    #[schema(example = 4)]
    count: i64,
}

impl Recent {
    fn new(counts: Vec<Counted>) -> Self {
        let (done, failed): (Vec<_>, Vec<_>) =
            counts.into_iter().partition(|counted| counted.outcome == "converged");
        let lags: Vec<(i32, i64)> = done.iter().map(|c| (c.lag_class, c.count)).collect();
        let converged = lags.iter().map(|(_, count)| count).sum();
        let mut errors: Vec<ErrorCount> = failed
            .into_iter()
            .map(|failed| ErrorCount { error_class: failed.outcome, count: failed.count })
            .collect();
        errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let per_minute = converged as f64 / RECENT.num_minutes() as f64;
        Self {
            minutes: RECENT.num_minutes(),
            converged,
            per_minute,
            lag_p50_ms: rules::lag_quantile(&lags, 0.5),
            lag_p99_ms: rules::lag_quantile(&lags, 0.99),
            errors,
        }
    }
}

impl HealthView {
    fn new(health: Health, now: DateTime<Utc>) -> Result<Self, AppError> {
        let Health {
            connection,
            counts,
            parked,
            recent,
            unpublished,
            backfill,
            reconcile,
            import,
            imported,
        } = health;
        let flow = connection.flow()?;
        let last_import = imported.iter().filter_map(|row| row.started_at).max();
        let next_import = connection.settings()?.import.next(last_import, now);
        let refused = |row: ImportRow| Some(ImportError { kind: row.kind, error: row.error? });
        let waiting = [counts.oldest, unpublished].into_iter().flatten().min();
        let synced_until = waiting.unwrap_or(now).min(now);
        Ok(Self {
            state: connection.state,
            reason: connection.reason,
            linked: counts.linked,
            backlog: counts.backlog,
            lag_seconds: (now - synced_until).num_seconds(),
            synced_until,
            read_until: connection.watermark,
            poll_error: connection.poll_error,
            poll_refused_since: connection.poll_refused_since,
            last_success_at: connection.last_success_at,
            failures: connection.failures,
            not_before: connection.not_before.filter(|until| *until > now),
            breaker: flow.breaker(now),
            concurrency: flow.limit,
            allowed: flow.width(),
            recent: Recent::new(recent),
            deleted: counts.deleted,
            detached: counts.detached,
            parked,
            backfill: backfill.map(JobView::from),
            reconcile: reconcile.map(JobView::from),
            import: import.map(JobView::from),
            import_errors: imported.into_iter().filter_map(refused).collect(),
            next_import_at: next_import.filter(|_| flow.active),
        })
    }
}

/// Get the health of a connection
///
/// How many mirrors wait and for how long, what is parked and why, how the CRM answers, and what the last comparison found.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "Backlog, lag, failures, parked items, the last jobs", body = HealthView)),
)]
#[get("/crm/connections/{id}/health")]
async fn get_crm_health(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    // Before the reading: what comes up meanwhile is not claimed to be in the CRM.
    let now = Utc::now();
    let health = db.read(move |conn| service::health(conn, id.0, now)).await?;
    Answer::ok(&HealthView::new(health, now)?)
}
