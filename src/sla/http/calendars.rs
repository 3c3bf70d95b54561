//! Calendars.
use actix_web::{delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now, set};
use crate::kernel::{AppError, CalendarId, Page, Permission, TimeZone, rfc3339};
use crate::sla::rules::Length;
use crate::sla::service;
use crate::sla::store::{BusinessWeek, Calendar, ExceptDays};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_business_calendar)
        .service(list_business_calendars)
        .service(get_business_calendar)
        .service(change_business_calendar)
        .service(delete_business_calendar)
        .service(measure_business_time);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCalendar {
    /// Unique without regard to case.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Summer hours")]
    name: String,
    #[garde(skip)]
    time_zone: TimeZone,
    /// The windows of a week by the clock of the time zone, several on a day if need be: at least one, none overlapping another.
    #[garde(skip)]
    week: BusinessWeek,
}

/// Create a calendar
///
/// It says when business time passes. An instant counts when the clock on the wall of its time zone shows a time inside a window: the
/// hour that comes twice when clocks are put back counts twice. A calendar without any window is refused.
#[utoipa::path(
    tag = "service levels",
    params(Idempotency),
    request_body = NewCalendar,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 201, description = "The calendar", body = Calendar)),
)]
#[post("/calendars")]
async fn create_business_calendar(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewCalendar>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let calendar = Calendar {
        id: CalendarId::new(),
        name: new.name,
        time_zone: new.time_zone,
        week: new.week,
        exceptions: ExceptDays::default(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create_calendar(conn, &caller, &calendar, now)?;
            let location = format!("/v1/calendars/{}", calendar.id);
            Ok(Answer::created(location, &calendar)?.version(calendar.version))
        })
    };
    db.tx(create).await
}

/// List calendars by name
///
/// A calendar says when business time passes: policies of service levels measure by one.
#[utoipa::path(
    tag = "service levels",
    params(PageQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of calendars", body = Page<Calendar>)),
)]
#[get("/calendars")]
async fn list_business_calendars(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let request = query.request("calendars")?;
    Answer::page(&db.read(move |conn| service::list_calendars(conn, &request)).await?)
}

/// Get a calendar
///
/// With its week, and the days that are different from it.
#[utoipa::path(
    tag = "service levels",
    params(("id" = CalendarId, Path)),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The calendar", body = Calendar)),
)]
#[get("/calendars/{id}")]
async fn get_business_calendar(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CalendarId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let calendar = db.read(move |conn| service::get_calendar(conn, id.0)).await?;
    Ok(Answer::ok(&calendar)?.version(calendar.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct CalendarChange {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Office hours")]
    name: Option<String>,
    #[garde(skip)]
    time_zone: Option<TimeZone>,
    /// The whole week.
    #[garde(skip)]
    week: Option<BusinessWeek>,
}

/// Change a calendar
///
/// Clocks that have not ended are derived anew by it, and forget nothing of the time in which they were paused.
#[utoipa::path(
    tag = "service levels",
    params(("id" = CalendarId, Path), IfMatch),
    request_body = CalendarChange,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The calendar as it is now", body = Calendar)),
)]
#[patch("/calendars/{id}")]
async fn change_business_calendar(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CalendarId>,
    seen: IfMatch,
    body: Body<CalendarChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let change = body.into_inner();
    let apply = move |calendar: &mut Calendar| {
        seen.check(calendar.version)?;
        set(&mut calendar.name, change.name);
        set(&mut calendar.time_zone, change.time_zone);
        set(&mut calendar.week, change.week);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_calendar(conn, &caller, id.0, now(), apply);
    let calendar = db.tx(change).await?;
    Ok(Answer::ok(&calendar)?.version(calendar.version))
}

/// Delete a calendar
///
/// One by which no policy measures, or has measured.
#[utoipa::path(
    tag = "service levels",
    params(("id" = CalendarId, Path), IfMatch),
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 204, description = "It is gone")),
)]
#[delete("/calendars/{id}")]
async fn delete_business_calendar(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CalendarId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let check = move |calendar: &Calendar| seen.check(calendar.version);
    db.tx(move |conn| service::delete_calendar(conn, &caller, id.0, check, now())).await?;
    Ok(Answer::no_content())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct BusinessTimeQuery {
    #[param(example = "2026-12-23T15:00:00Z")]
    from: DateTime<Utc>,
    /// How much business time passes until then. Either this or `time`.
    #[param(example = "2026-12-28T15:00:00Z")]
    until: Option<DateTime<Utc>>,
    /// When so much business time will have passed.
    #[param(value_type = Option<String>, example = "PT8H")]
    time: Option<Length>,
}

/// A span, measured by a calendar.
#[derive(Debug, Serialize, ToSchema)]
struct BusinessTime {
    #[serde(serialize_with = "rfc3339::serialize")]
    from: DateTime<Utc>,
    /// Null: more than ten years ahead.
    #[serde(serialize_with = "rfc3339::option")]
    until: Option<DateTime<Utc>>,
    /// Business time in the span, in whole seconds.
    #[schema(example = 28_800)]
    business_seconds: i64,
}

/// Measure business time
///
/// What the clocks of tickets would count between two instants, or when a length of business time will have passed: the earliest such
/// instant.
#[utoipa::path(
    tag = "service levels",
    params(("id" = CalendarId, Path), BusinessTimeQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The span", body = BusinessTime)),
)]
#[get("/calendars/{id}/business-time")]
async fn measure_business_time(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CalendarId>,
    query: Params<BusinessTimeQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let Params(BusinessTimeQuery { from, until, time }) = query;
    let hours = db.read(move |conn| service::get_calendar(conn, id.0)).await?.hours();
    let (until, passed) = match (until, time) {
        (Some(until), None) if (until - from).num_days() <= service::MEASURED_DAYS => {
            (Some(until), hours.between(from, until))
        }
        (Some(_), None) => {
            return Err(AppError::Malformed("the span is longer than ten years".into()));
        }
        (None, Some(time)) => (hours.add(from, time.time()), time.time()),
        _ => return Err(AppError::Malformed("give either until or time".into())),
    };
    Answer::ok(&BusinessTime { from, until, business_seconds: passed.num_seconds() })
}
