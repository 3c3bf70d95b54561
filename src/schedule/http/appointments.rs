//! An agent's appointments on a ticket.
use actix_web::{delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PathId, now, nullable};
use crate::kernel::{AgentId, AppError, AppointmentId, Permission, TicketId, TimeZone, rfc3339};
use crate::schedule::rules::When;
use crate::schedule::service::{self, NewAppointment, Reschedule};
use crate::schedule::store::Appointment;

/// An agent's appointment on a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppointmentView {
    id: AppointmentId,
    ticket_id: TicketId,
    agent_id: AgentId,
    #[serde(serialize_with = "rfc3339::serialize")]
    starts_at: DateTime<Utc>,
    /// Not included.
    #[serde(serialize_with = "rfc3339::serialize")]
    ends_at: DateTime<Utc>,
    /// By whose clock it was made.
    time_zone: TimeZone,
    /// The start by that clock.
    #[schema(example = "2030-05-06T09:00:00+02:00")]
    local_starts_at: String,
    /// The end by that clock.
    #[schema(example = "2030-05-06T10:00:00+02:00")]
    local_ends_at: String,
    #[schema(example = "Call the customer")]
    note: Option<String>,
    /// Minutes before the start; null: no reminder.
    #[schema(example = 30)]
    remind_minutes: Option<i32>,
    #[serde(serialize_with = "rfc3339::option")]
    cancelled_at: Option<DateTime<Utc>>,
    made_by: Uuid,
    #[schema(example = "Coordinator")]
    made_by_name: String,
    /// Send it as `If-Match: "v<version>"` with a change.
    #[schema(example = 1)]
    version: i32,
}

impl From<Appointment> for AppointmentView {
    fn from(a: Appointment) -> Self {
        let local = |time: DateTime<Utc>| time.with_timezone(&a.time_zone.0).to_rfc3339();
        Self {
            local_starts_at: local(a.starts_at),
            local_ends_at: local(a.ends_at),
            id: a.id,
            ticket_id: a.ticket_id,
            agent_id: a.agent_id,
            starts_at: a.starts_at,
            ends_at: a.ends_at,
            time_zone: a.time_zone,
            note: a.note,
            remind_minutes: a.remind_minutes,
            cancelled_at: a.cancelled_at,
            made_by: a.made_by,
            made_by_name: a.made_by_name,
            version: a.version,
        }
    }
}

pub fn answer(appointment: Appointment) -> Result<Answer, AppError> {
    let version = appointment.version;
    Ok(Answer::ok(&AppointmentView::from(appointment))?.version(version))
}

/// When an agent works on the ticket.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "starts_at": "2030-05-06T09:00:00", "ends_at": "2030-05-06T10:00:00", "note": "Call the customer", "remind_minutes": 30,
}))]
pub struct ScheduleAppointment {
    /// Who has the ticket when absent.
    #[garde(skip)]
    agent_id: Option<AgentId>,
    /// With an offset, or by the clock of `time_zone`.
    #[garde(skip)]
    starts_at: When,
    #[garde(skip)]
    #[schema(example = "2030-05-06T10:00:00")]
    ends_at: When,
    /// The agent's when absent.
    #[garde(skip)]
    time_zone: Option<TimeZone>,
    /// For the desk.
    #[garde(length(chars, min = 1, max = 2000))]
    #[schema(example = "Call the customer")]
    note: Option<String>,
    /// Minutes before the start; 30 when absent, null: no reminder.
    #[serde(default = "half_an_hour")]
    #[garde(range(min = 0, max = 20_160))]
    #[schema(example = 30)]
    remind_minutes: Option<i32>,
}

fn half_an_hour() -> Option<i32> {
    Some(30)
}

/// Schedule an agent's work on a ticket
///
/// An agent has one appointment at a time: 409 (`appointment_overlap`) names the one in the way. A time without an offset is
/// one of the clock of `time_zone`; one that this clock never shows, or shows twice, is refused. While an appointment lasts
/// its agent gets no tickets by themselves.
#[utoipa::path(
    tag = "schedule",
    params(("id" = TicketId, Path), Idempotency),
    request_body = ScheduleAppointment,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The appointment", body = AppointmentView)),
)]
#[post("/tickets/{id}/schedule")]
pub async fn schedule_appointment(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<ScheduleAppointment>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let fingerprint = body.fingerprint.clone();
    let body = body.into_inner();
    let new = NewAppointment {
        agent_id: body.agent_id,
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        time_zone: body.time_zone,
        note: body.note,
        remind_minutes: body.remind_minutes,
    };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let made = service::book(conn, &caller, id.0, new, now())?;
            let (location, version) =
                (format!("/v1/tickets/{}/schedule/{}", id.0, made.id), made.version);
            Ok(Answer::created(location, &AppointmentView::from(made))?.version(version))
        })
    })
    .await
}

/// List a ticket's appointments, the latest first
///
/// With those that were cancelled.
#[utoipa::path(
    tag = "schedule",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The appointments", body = Vec<AppointmentView>)),
)]
#[get("/tickets/{id}/schedule")]
pub async fn list_appointments(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let appointments = db.read(move |conn| service::appointments(conn, &caller, id.0)).await?;
    let views: Vec<_> = appointments.into_iter().map(AppointmentView::from).collect();
    Answer::ok(&views)
}

/// Get an appointment
///
/// With its reminder, and the delay that the customer was told.
#[utoipa::path(
    tag = "schedule",
    params(("id" = TicketId, Path), ("appointment_id" = AppointmentId, Path)),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The appointment", body = AppointmentView)),
)]
#[get("/tickets/{id}/schedule/{appointment_id}")]
pub async fn get_appointment(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, AppointmentId)>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (ticket, id) = path.into_inner();
    answer(db.read(move |conn| service::appointment(conn, &caller, ticket, id)).await?)
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RescheduleAppointment {
    #[garde(skip)]
    agent_id: Option<AgentId>,
    /// With an offset, or by the clock of `time_zone`.
    #[garde(skip)]
    starts_at: Option<When>,
    /// When it is absent and the start moves, the appointment lasts as long as before.
    #[garde(skip)]
    ends_at: Option<When>,
    #[garde(skip)]
    time_zone: Option<TimeZone>,
    #[serde(default, deserialize_with = "nullable")]
    #[garde(length(chars, min = 1, max = 2000))]
    #[schema(value_type = Option<String>, example = "Call the customer")]
    note: Option<Option<String>>,
    /// Minutes before the start; null: no reminder.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(inner(inner(range(min = 0, max = 20_160))))]
    #[schema(value_type = Option<i32>, example = 30)]
    remind_minutes: Option<Option<i32>>,
    /// True: the customer is told the new time, by a public note.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = false)]
    notify: bool,
    /// Added to what the customer is told.
    #[garde(length(chars, min = 1, max = 10_000))]
    #[schema(example = "We wait for a spare part.")]
    message: Option<String>,
}

/// Reschedule an appointment
///
/// Another time, agent, note or reminder. With `notify`, the customer is told a new time. A reminder is given anew for another start.
#[utoipa::path(
    tag = "schedule",
    params(("id" = TicketId, Path), ("appointment_id" = AppointmentId, Path), IfMatch),
    request_body(content = RescheduleAppointment, example = json!({"starts_at": "2030-05-06T11:00:00", "notify": true})),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The appointment as it is now", body = AppointmentView)),
)]
#[patch("/tickets/{id}/schedule/{appointment_id}")]
pub async fn reschedule_appointment(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, AppointmentId)>,
    seen: IfMatch,
    body: Body<RescheduleAppointment>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let ((ticket, id), body) = (path.into_inner(), body.into_inner());
    let change = Reschedule {
        agent_id: body.agent_id,
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        time_zone: body.time_zone,
        note: body.note,
        remind_minutes: body.remind_minutes,
        notify: body.notify.then_some(body.message),
        delays: false,
    };
    let reschedule =
        move |conn: &mut _| service::reschedule(conn, &caller, ticket, id, seen, change, now());
    answer(db.tx(reschedule).await?)
}

/// Cancel an appointment
///
/// The agent is free again. The appointment stays in the ticket's list. Appointments that have not begun are cancelled by
/// closing, merging or deleting the ticket, too.
#[utoipa::path(
    tag = "schedule",
    params(("id" = TicketId, Path), ("appointment_id" = AppointmentId, Path), IfMatch),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "Cancelled")),
)]
#[delete("/tickets/{id}/schedule/{appointment_id}")]
pub async fn cancel_appointment(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, AppointmentId)>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (ticket, id) = path.into_inner();
    db.tx(move |conn| service::cancel(conn, &caller, ticket, id, seen, now())).await?;
    Ok(Answer::no_content())
}
