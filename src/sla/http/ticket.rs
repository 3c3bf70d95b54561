//! The clocks of a ticket.
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, PathId, now};
use crate::kernel::{AppError, Permission, TicketId, rfc3339};
use crate::sla::rules::{Basis, ClockState, EntryKind, Metric, Target};
use crate::sla::service::{self, Explained};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_ticket_sla);
}

/// A part of a clock's life.
#[derive(Debug, Serialize, ToSchema)]
struct StretchView {
    #[serde(serialize_with = "rfc3339::serialize")]
    from: DateTime<Utc>,
    /// Null: it lasts.
    #[serde(serialize_with = "rfc3339::option")]
    until: Option<DateTime<Utc>>,
    /// False: the clock was paused or stopped.
    runs: bool,
    /// The status that made it so, or why it was stopped.
    #[schema(value_type = Object, example = json!({"status": "020"}))]
    because: Value,
    /// What counted of it, in whole seconds.
    #[schema(example = 5_400)]
    counted_seconds: i64,
}

/// A line of the ledger.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerEntryView {
    kind: EntryKind,
    #[serde(serialize_with = "rfc3339::serialize")]
    at: DateTime<Utc>,
    #[schema(value_type = Object, example = json!({"status": "020"}))]
    detail: Value,
}

/// A clock, and what explains it.
#[derive(Debug, Serialize, ToSchema)]
struct ClockView {
    metric: Metric,
    /// 1, 2, 3 ... of the metric: a ticket that was closed and opened again has another cycle.
    #[schema(example = 1)]
    cycle: i32,
    state: ClockState,
    /// The name of the policy by which it is measured; null: by none.
    #[schema(example = "Standard")]
    policy: Option<String>,
    basis: Option<Basis>,
    /// Null: the policy says nothing of this metric.
    target: Option<Target>,
    /// The ticket's own deadline, which overrides the target.
    #[serde(serialize_with = "rfc3339::option")]
    deadline: Option<DateTime<Utc>>,
    #[serde(serialize_with = "rfc3339::serialize")]
    started_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::option")]
    ended_at: Option<DateTime<Utc>>,
    /// The time that counted; the sum of what counted of each stretch.
    #[schema(example = 5_400)]
    elapsed_seconds: i64,
    /// What is left of the target; negative when it took too long; null without a target.
    #[schema(example = 23_400)]
    remaining_seconds: Option<i64>,
    /// Null while it is paused, unless it was missed before.
    #[serde(serialize_with = "rfc3339::option")]
    due_at: Option<DateTime<Utc>>,
    /// When little is left.
    #[serde(serialize_with = "rfc3339::option")]
    warn_at: Option<DateTime<Utc>>,
    /// True as soon as it is due, whether or not somebody was told.
    breached: bool,
    #[serde(serialize_with = "rfc3339::option")]
    breached_at: Option<DateTime<Utc>>,
    stretches: Vec<StretchView>,
    ledger: Vec<LedgerEntryView>,
}

impl From<Explained> for ClockView {
    fn from(explained: Explained) -> Self {
        let Explained { clock, figures, policy, counted, entries } = explained;
        let stretches =
            clock.stretches.into_iter().zip(counted).map(|(stretch, counted)| StretchView {
                from: stretch.from,
                until: stretch.until,
                runs: stretch.runs,
                because: stretch.because,
                counted_seconds: counted.num_seconds(),
            });
        let ledger = entries.into_iter();
        let (policy, target) = policy.map_or((None, None), |(name, target)| (Some(name), target));
        Self {
            metric: clock.metric,
            cycle: clock.cycle,
            state: clock.state,
            policy,
            basis: clock.basis,
            target,
            deadline: clock.deadline,
            started_at: clock.started_at,
            ended_at: clock.ended_at,
            elapsed_seconds: figures.elapsed.num_seconds(),
            remaining_seconds: figures.remaining.map(|left| left.num_seconds()),
            due_at: figures.due_at,
            warn_at: figures.warn_at,
            breached: figures.breached_at.is_some(),
            breached_at: figures.breached_at,
            stretches: stretches.collect(),
            ledger: ledger
                .map(|entry| LedgerEntryView {
                    kind: entry.kind,
                    at: entry.at,
                    detail: entry.detail,
                })
                .collect(),
        }
    }
}

/// The clocks of a ticket.
#[derive(Debug, Serialize, ToSchema)]
struct TicketSla {
    ticket_id: TicketId,
    /// As of then.
    #[serde(serialize_with = "rfc3339::serialize")]
    at: DateTime<Utc>,
    /// In the order in which they started.
    clocks: Vec<ClockView>,
}

/// Explain the service levels of a ticket
///
/// Every clock with its ledger, what counted of each stretch of time, what is left, and why it does not run. For the desk; it is as
/// of now, even of what happened a moment ago.
#[utoipa::path(
    tag = "service levels",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The clocks", body = TicketSla)),
)]
#[get("/tickets/{id}/sla")]
async fn get_ticket_sla(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::TicketsWork)?;
    let (ticket_id, at) = (id.0, now());
    // In a transaction: ledger and events must fit together.
    let explain = move |conn: &mut _| service::explain(conn, &caller, ticket_id, at);
    let clocks = db.quiet_tx(explain).await?.into_iter().map(ClockView::from).collect();
    Answer::ok(&TicketSla { ticket_id, at, clocks })
}
