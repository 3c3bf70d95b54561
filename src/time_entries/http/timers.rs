//! One's own timer.
use actix_web::{delete, get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::{TimeEntryView, created};
use crate::auth::Caller;
use crate::config::Config;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, PathId, now, nullable};
use crate::kernel::{AgentId, AppError, Permission, TicketId, rfc3339};
use crate::time_entries::service::{self, NewTimer, Started, Stop};
use crate::time_entries::store::Timer;

/// A timer that runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimerView {
    agent_id: AgentId,
    ticket_id: TicketId,
    #[serde(serialize_with = "rfc3339::serialize")]
    started_at: DateTime<Utc>,
    /// Of the entry that it becomes.
    #[schema(example = true)]
    chargeable: bool,
    /// Of the entry that it becomes.
    #[schema(example = "On the phone with the customer")]
    note: Option<String>,
}

impl From<Timer> for TimerView {
    fn from(timer: Timer) -> Self {
        let Timer { agent_id, ticket_id, started_at, chargeable, note } = timer;
        Self { agent_id, ticket_id, started_at, chargeable, note }
    }
}

/// Your timer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimerState {
    /// Null: none runs.
    timer: Option<TimerView>,
}

/// What came of a start.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedTimer {
    timer: TimerView,
    /// What your timer on another ticket counted, which stopped with this; null when none ran.
    booked: Option<TimeEntryView>,
}

/// How the entry will be.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"chargeable": true}))]
pub struct StartTimer {
    /// Whether the customer pays for it.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = true)]
    chargeable: bool,
    /// For the desk.
    #[garde(length(chars, min = 1, max = 2000))]
    #[schema(example = "On the phone with the customer")]
    note: Option<String>,
}

/// Start your timer on a ticket
///
/// You have one: if it runs on another ticket it stops, and `booked` is what it counted. If it runs on this ticket already, it goes
/// on as it is. A timer that is forgotten is booked after `timer_hours` of the configuration, and its entry is marked `capped`.
#[utoipa::path(
    tag = "time",
    params(("id" = TicketId, Path), Idempotency),
    request_body = StartTimer,
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 201, description = "The timer, and what was booked", body = StartedTimer)),
)]
#[post("/tickets/{id}/timer")]
pub async fn start_timer(
    db: web::Data<Db>,
    config: web::Data<Config>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<StartTimer>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let StartTimer { chargeable, note } = body;
    let (new, most) = (NewTimer { ticket_id: id.0, chargeable, note }, config.longest_timer());
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let Started { timer, booked } = service::start(conn, &caller, new, most, now())?;
            let started =
                StartedTimer { timer: timer.into(), booked: booked.map(TimeEntryView::from) };
            Answer::created("/v1/me/timer".into(), &started)
        })
    })
    .await
}

/// Get your timer
///
/// `timer` is null when none runs. An agent has one at the most.
#[utoipa::path(
    tag = "time",
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The timer, if one runs", body = TimerState)),
)]
#[get("/me/timer")]
pub async fn get_timer(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let timer = db.read(move |conn| service::running(conn, &caller)).await?;
    Answer::ok(&TimerState { timer: timer.map(TimerView::from) })
}

/// What the entry says otherwise than the timer; what is absent is as the timer has it.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Found the limit"}))]
pub struct StopTimer {
    #[garde(skip)]
    #[schema(example = true)]
    chargeable: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[garde(inner(inner(length(chars, min = 1, max = 2000))))]
    #[schema(value_type = Option<String>, example = "Found the limit")]
    note: Option<Option<String>>,
}

/// Stop your timer
///
/// What it counted becomes an entry of the day on which it was started: a begun minute counts whole. It is booked on the ticket that it was
/// started on, whatever became of that meanwhile.
#[utoipa::path(
    tag = "time",
    params(Idempotency),
    request_body = StopTimer,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The entry", body = TimeEntryView)),
)]
#[post("/me/timer/stop")]
pub async fn stop_timer(
    db: web::Data<Db>,
    config: web::Data<Config>,
    caller: Caller,
    key: Idempotency,
    body: Body<StopTimer>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let (stop, most) =
        (Stop { chargeable: body.chargeable, note: body.note }, config.longest_timer());
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            created(service::stop(conn, &caller, stop, most, now())?)
        })
    })
    .await
}

/// Discard your timer
///
/// Nothing is booked. Once more changes nothing.
#[utoipa::path(
    tag = "time",
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "None runs")),
)]
#[delete("/me/timer")]
pub async fn discard_timer(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    db.quiet_tx(move |conn| service::discard(conn, &caller)).await?;
    Ok(Answer::no_content())
}
