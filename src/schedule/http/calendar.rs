//! An agent's calendar.
use actix_web::{get, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::appointments::AppointmentView;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId, now};
use crate::kernel::{AgentId, AppError, Permission, TimeZone};
use crate::people::Leaves;
use crate::schedule::rules::Span;
use crate::schedule::service::{self, Calendar, Entry};

/// How much of a calendar is shown when the client does not say.
const USUAL: TimeDelta = TimeDelta::days(7);
/// And at the most.
const MOST: TimeDelta = TimeDelta::days(93);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CalendarQuery {
    /// Now when absent.
    from: Option<DateTime<Utc>>,
    /// Not included; seven days after `from` when absent, 93 at the most.
    to: Option<DateTime<Utc>>,
}

impl CalendarQuery {
    fn span(&self, now: DateTime<Utc>) -> Result<Span, AppError> {
        let starts_at = self.from.unwrap_or(now);
        let ends_at = self.to.unwrap_or(starts_at + USUAL);
        if ends_at <= starts_at || ends_at - starts_at > MOST {
            let detail = "query parameter to: behind from, and at most 93 days";
            return Err(AppError::Malformed(detail.into()));
        }
        Ok(Span { starts_at, ends_at })
    }
}

/// What an agent does, and when they are on leave.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarView {
    agent_id: AgentId,
    time_zone: TimeZone,
    appointments: Vec<CalendarEntry>,
    /// Those that are planned.
    leaves: Leaves,
}

/// An appointment in a calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarEntry {
    #[serde(flatten)]
    appointment: AppointmentView,
    /// Null: you do not see the ticket.
    ticket: Option<CalendarTicket>,
}

/// What a calendar shows of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarTicket {
    #[schema(example = "CB-1042")]
    number: String,
    #[schema(example = "The export stops after 100 rows")]
    subject: String,
}

impl From<Entry> for CalendarEntry {
    fn from(entry: Entry) -> Self {
        let ticket = entry.ticket.map(|ticket| CalendarTicket {
            number: format!("CB-{}", ticket.number),
            subject: ticket.subject,
        });
        let mut appointment = entry.appointment;
        if ticket.is_none() {
            appointment.note = None;
        }
        Self { appointment: appointment.into(), ticket }
    }
}

/// Get an agent's calendar
///
/// The appointments that overlap the time that is asked for, at most 1,000. You see your own, and those of agents with whom
/// you share a department.
#[utoipa::path(
    tag = "schedule",
    params(("id" = AgentId, Path), CalendarQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The calendar", body = CalendarView)),
)]
#[get("/agents/{id}/calendar")]
pub async fn get_calendar(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
    query: Params<CalendarQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let span = query.span(now())?;
    let calendar = db.read(move |conn| service::calendar(conn, &caller, id.0, span)).await?;
    let Calendar { agent, entries } = calendar;
    Answer::ok(&CalendarView {
        agent_id: agent.id,
        time_zone: agent.time_zone,
        appointments: entries.into_iter().map(CalendarEntry::from).collect(),
        leaves: agent.leaves,
    })
}
