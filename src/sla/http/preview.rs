//! What a policy or a calendar would mean.
use actix_web::{post, web};
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::policies::NewSlaPolicy;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, PathId, now, set};
use crate::kernel::{AppError, CalendarId, Permission, SlaPolicyId, TicketId, TimeZone, rfc3339};
use crate::sla::rules::{Exception, ExceptionSource, Metric, Window};
use crate::sla::service::{self, Effect, Moved, Proposal};
use crate::sla::store::{BusinessWeek, Calendar, ExceptDays};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(preview_sla_policy).service(preview_calendar);
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
struct ServiceLevelEffect {
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

impl From<Effect> for ServiceLevelEffect {
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
    responses((status = 200, description = "What would become of them", body = ServiceLevelEffect)),
)]
#[post("/sla-policies/preview")]
async fn preview_sla_policy(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<ProposedSlaPolicy>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (now, ProposedSlaPolicy { replaces, policy }) = (now(), body.into_inner());
    let policy = policy.policy(replaces.unwrap_or_else(SlaPolicyId::new), now);
    let proposal = Proposal::Policy(Box::new(policy));
    let effect = db.quiet_tx(move |conn| service::preview(conn, proposal, now)).await?;
    Answer::ok(&ServiceLevelEffect::from(effect))
}

/// A day with windows of its own; without any, a holiday.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProposedException {
    #[garde(skip)]
    #[schema(value_type = String, format = Date, example = "2026-12-24")]
    date: NaiveDate,
    #[serde(default)]
    #[garde(skip)]
    windows: Vec<Window>,
}

/// What would be otherwise; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProposedCalendar {
    #[garde(skip)]
    time_zone: Option<TimeZone>,
    /// The whole week.
    #[garde(skip)]
    week: Option<BusinessWeek>,
    /// All days that are excepted, instead of those that are.
    #[garde(dive)]
    exceptions: Option<Vec<ProposedException>>,
    /// A file of holidays that would be imported.
    #[garde(inner(length(max = 1_000_000)))]
    #[schema(
        example = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )]
    icalendar: Option<String>,
}

impl ProposedCalendar {
    fn apply(self, calendar: &mut Calendar, now: DateTime<Utc>) -> Result<(), AppError> {
        set(&mut calendar.time_zone, self.time_zone);
        set(&mut calendar.week, self.week);
        if let Some(days) = self.exceptions {
            calendar.exceptions = ExceptDays::default();
            for (place, ProposedException { date, windows }) in days.into_iter().enumerate() {
                let (name, source) = (String::new(), ExceptionSource::Manual);
                let exception = Exception { date, name, windows, source };
                let wrong = |detail| AppError::field(format!("/exceptions/{place}"), detail);
                calendar.exceptions.0.set(exception).map_err(wrong)?;
            }
        }
        if let Some(file) = self.icalendar {
            service::import_holidays(calendar, &file, now)?;
        }
        Ok(())
    }
}

/// Preview what a change of a calendar would mean to open tickets
///
/// Measures their clocks as they are, and as they would be with another week, time zone, or other excepted days. Changes nothing.
#[utoipa::path(
    tag = "service levels",
    params(("id" = CalendarId, Path)),
    request_body(content = ProposedCalendar, example = json!({"exceptions": [{"date": "2026-12-24", "windows": []}]})),
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "What would become of them", body = ServiceLevelEffect)),
)]
#[post("/calendars/{id}/preview")]
async fn preview_calendar(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CalendarId>,
    body: Body<ProposedCalendar>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (now, proposed) = (now(), body.into_inner());
    let preview = move |conn: &mut _| {
        let mut calendar = service::get_calendar(conn, id.0)?;
        proposed.apply(&mut calendar, now)?;
        service::preview(conn, Proposal::Calendar(Box::new(calendar)), now)
    };
    Answer::ok(&ServiceLevelEffect::from(db.quiet_tx(preview).await?))
}
