//! What a policy would mean.
use actix_web::{post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::policies::NewSlaPolicy;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, now};
use crate::kernel::{AppError, Permission, SlaPolicyId, TicketId, rfc3339};
use crate::sla::rules::Metric;
use crate::sla::service::{self, Effect, Moved};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(preview_sla_policy);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProposedSlaPolicy {
    /// The policy that it would replace; absent: it would be another one.
    #[garde(skip)]
    #[schema(example = json!(null))]
    replaces: Option<SlaPolicyId>,
    #[garde(dive)]
    policy: NewSlaPolicy,
}

/// A clock that would be due at another time.
#[derive(Debug, Serialize, ToSchema)]
struct MovedClock {
    ticket_id: TicketId,
    metric: Metric,
    #[schema(example = 1)]
    cycle: i32,
    #[serde(serialize_with = "rfc3339::option")]
    due_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "rfc3339::option")]
    would_be_due_at: Option<DateTime<Utc>>,
}

/// What would become of the open tickets.
#[derive(Debug, Serialize, ToSchema)]
struct SlaPolicyEffect {
    /// Open tickets that were looked at: 2,000 at the most, the latest.
    #[schema(example = 120)]
    tickets: usize,
    #[schema(example = 231)]
    clocks: usize,
    /// More tickets are open than were looked at.
    more: bool,
    /// Clocks that would be due at another time.
    #[schema(example = 40)]
    would_move: usize,
    /// Clocks that would have missed their targets at once.
    #[schema(example = 3)]
    would_breach: usize,
    /// Clocks that would not have missed them any more.
    #[schema(example = 1)]
    would_recover: usize,
    /// Up to 50 of those that would be due at another time.
    moved: Vec<MovedClock>,
}

impl From<Effect> for SlaPolicyEffect {
    fn from(effect: Effect) -> Self {
        let Effect { tickets, clocks, more, would_move, would_breach, would_recover, moved } =
            effect;
        let moved = moved.into_iter().map(|one| {
            let Moved { ticket_id, metric, cycle, due_at, would_be_due_at } = one;
            MovedClock { ticket_id, metric, cycle, due_at, would_be_due_at }
        });
        let moved = moved.collect();
        Self { tickets, clocks, more, would_move, would_breach, would_recover, moved }
    }
}

/// Preview what a policy would mean to open tickets
///
/// Measures their clocks as they are, and as they would be with this policy. Changes nothing.
#[utoipa::path(
    tag = "service levels",
    request_body = ProposedSlaPolicy,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "What would become of them", body = SlaPolicyEffect)),
)]
#[post("/sla-policies/preview")]
async fn preview_sla_policy(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<ProposedSlaPolicy>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (now, ProposedSlaPolicy { replaces, policy }) = (now(), body.into_inner());
    let mut policy = policy.policy(replaces.unwrap_or_else(SlaPolicyId::new), now);
    // No version that is kept.
    policy.version = 0;
    let effect = db.quiet_tx(move |conn| service::preview(conn, policy, now)).await?;
    Answer::ok(&SlaPolicyEffect::from(effect))
}
