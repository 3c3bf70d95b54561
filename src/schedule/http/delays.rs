//! What was missed, and customers who are told a new time.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::appointments::{AppointmentView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, Params, PathId, now};
use crate::kernel::{
    AgentId, AppError, AppointmentId, DelayId, Page, PageRequest, Permission, TicketId, rfc3339,
};
use crate::schedule::rules::When;
use crate::schedule::service::{self, NewDeadline, Reschedule};
use crate::schedule::store::{Delay, DelayFilter};

/// The new time, and what the customer is told with it.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayAppointment {
    /// Later than before; with an offset, or by the clock of the appointment's time zone.
    #[garde(skip)]
    #[schema(example = "2030-05-06T11:00:00")]
    starts_at: When,
    /// When it is absent, the appointment lasts as long as before.
    #[garde(skip)]
    ends_at: Option<When>,
    /// Added to what the customer is told.
    #[garde(length(chars, min = 1, max = 10_000))]
    #[schema(example = "We wait for a spare part.")]
    message: Option<String>,
}

/// Tell the customer that an appointment is delayed
///
/// The appointment is moved, and a public note tells the customer the new time by their own clock.
#[utoipa::path(
    tag = "schedule",
    params(("id" = TicketId, Path), ("appointment_id" = AppointmentId, Path), IfMatch),
    request_body = DelayAppointment,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The appointment as it is now", body = AppointmentView)),
)]
#[post("/tickets/{id}/schedule/{appointment_id}/delay")]
pub async fn delay_appointment(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, AppointmentId)>,
    seen: IfMatch,
    body: Body<DelayAppointment>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let ((ticket, id), body) = (path.into_inner(), body.into_inner());
    let change = Reschedule {
        starts_at: Some(body.starts_at),
        ends_at: body.ends_at,
        notify: Some(body.message),
        delays: true,
        ..Reschedule::default()
    };
    let delay =
        move |conn: &mut _| service::reschedule(conn, &caller, ticket, id, seen, change, now());
    answer(db.tx(delay).await?)
}

/// The new deadline, and what the customer is told with it.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayTicket {
    /// Later than the present one.
    #[garde(skip)]
    #[schema(example = "2030-05-06T15:00:00Z")]
    deadline: DateTime<Utc>,
    /// Added to what the customer is told.
    #[garde(length(chars, min = 1, max = 10_000))]
    #[schema(example = "The vendor needs another day.")]
    message: Option<String>,
}

/// A ticket whose deadline was moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct DelayedTicket {
    ticket_id: TicketId,
    #[serde(serialize_with = "rfc3339::option")]
    deadline: Option<DateTime<Utc>>,
    /// The ticket's version.
    #[schema(example = 4)]
    version: i32,
}

/// Tell the customer that a ticket takes longer
///
/// The ticket's deadline is moved, and a public note tells the customer the new one by their own clock.
#[utoipa::path(
    tag = "schedule",
    params(("id" = TicketId, Path)),
    request_body = DelayTicket,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The new deadline", body = DelayedTicket)),
)]
#[post("/tickets/{id}/delay")]
pub async fn delay_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    body: Body<DelayTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let new = NewDeadline { deadline: rfc3339::kept(body.deadline), message: body.message };
    let delay = move |conn: &mut _| service::delay_deadline(conn, &caller, id.0, new, now());
    let ticket = db.tx(delay).await?.row;
    let (ticket_id, deadline, version) = (ticket.id, ticket.deadline, ticket.version);
    Ok(Answer::ok(&DelayedTicket { ticket_id, deadline, version })?.version(version))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DelayQuery {
    /// An agent's id, or `me`.
    #[param(example = "me")]
    agent: Option<String>,
    /// False: those of which the customer was not told.
    told: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter.
    cursor: Option<String>,
}

/// A start or a deadline that was missed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DelayView {
    id: DelayId,
    ticket_id: TicketId,
    /// Whose appointment it was, or who had the ticket.
    agent_id: Option<AgentId>,
    /// The appointment that was not begun; null: the ticket's deadline has passed.
    appointment_id: Option<AppointmentId>,
    /// The time that was missed.
    #[serde(serialize_with = "rfc3339::serialize")]
    due_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    noticed_at: DateTime<Utc>,
    /// When the customer was told a new time.
    #[serde(serialize_with = "rfc3339::option")]
    told_at: Option<DateTime<Utc>>,
}

impl From<Delay> for DelayView {
    fn from(delay: Delay) -> Self {
        Self {
            id: delay.id,
            ticket_id: delay.ticket_id,
            agent_id: delay.agent_id,
            appointment_id: delay.appointment_id,
            due_at: delay.due_at,
            noticed_at: delay.noticed_at,
            told_at: delay.told_at,
        }
    }
}

/// List what was missed, latest first
///
/// Appointments whose agents did nothing on the ticket until 15 minutes after the start, and deadlines that passed; each once.
#[utoipa::path(
    tag = "schedule",
    params(DelayQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of what was missed", body = Page<DelayView>)),
)]
#[get("/schedule/delays")]
pub async fn list_delays(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<DelayQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let wrong = || AppError::Malformed("query parameter agent: an agent's id, or me".into());
    let agent = match query.agent.as_deref() {
        None => None,
        Some("me") => Some(caller.agent_id().ok_or_else(wrong)?),
        Some(id) => Some(AgentId(id.parse().map_err(|_| wrong())?)),
    };
    let filter = DelayFilter { agent, told: query.told };
    let binding = format!("delays {filter:?}");
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let delays = db.read(move |conn| service::list_delays(conn, &caller, filter, &page)).await?;
    Answer::page(&delays.map(DelayView::from))
}
