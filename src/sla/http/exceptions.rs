//! The holidays of calendars, and days with windows of their own.
use actix_web::{delete, post, put, web};
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now};
use crate::kernel::{AppError, CalendarId, Permission};
use crate::sla::rules::{Exception, ExceptionSource, Window};
use crate::sla::service;
use crate::sla::store::Calendar;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(set_calendar_exception).service(remove_calendar_exception).service(import_holidays);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewException {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Christmas Eve")]
    name: String,
    /// When business time passes on that day; empty: a holiday.
    #[serde(default)]
    #[garde(skip)]
    windows: Vec<Window>,
}

/// Except a day of a calendar
///
/// A holiday, or a day with windows of its own. What was said of that day before is replaced.
#[utoipa::path(
    tag = "service levels",
    params(
        ("id" = CalendarId, Path),
        ("date" = String, Path, format = Date, example = "2026-12-24"),
        IfMatch,
    ),
    request_body = NewException,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The calendar as it is now", body = Calendar)),
)]
#[put("/calendars/{id}/exceptions/{date}")]
async fn set_calendar_exception(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(CalendarId, NaiveDate)>,
    seen: IfMatch,
    body: Body<NewException>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let ((id, date), NewException { name, windows }) = (path.into_inner(), body.into_inner());
    let exception = Exception { date, name, windows, source: ExceptionSource::Manual };
    let apply = move |calendar: &mut Calendar| {
        seen.check(calendar.version)?;
        service::set_exception(calendar, exception)
    };
    let change = move |conn: &mut _| service::change_calendar(conn, &caller, id, now(), apply);
    let calendar = db.tx(change).await?;
    Ok(Answer::ok(&calendar)?.version(calendar.version))
}

/// Make a day of a calendar like any other again
///
/// Open clocks that are measured by the calendar get new due times.
#[utoipa::path(
    tag = "service levels",
    params(
        ("id" = CalendarId, Path),
        ("date" = String, Path, format = Date, example = "2026-12-24"),
        IfMatch,
    ),
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The calendar as it is now", body = Calendar)),
)]
#[delete("/calendars/{id}/exceptions/{date}")]
async fn remove_calendar_exception(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(CalendarId, NaiveDate)>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (id, date) = path.into_inner();
    let apply = move |calendar: &mut Calendar| {
        seen.check(calendar.version)?;
        service::remove_exception(calendar, date)
    };
    let change = move |conn: &mut _| service::change_calendar(conn, &caller, id, now(), apply);
    let calendar = db.tx(change).await?;
    Ok(Answer::ok(&calendar)?.version(calendar.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct HolidayFile {
    /// The text of the file (RFC 5545).
    #[garde(length(max = 1_000_000))]
    #[schema(
        example = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )]
    icalendar: String,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
struct ImportedHolidays {
    calendar: Calendar,
    /// Days that the file names.
    #[schema(example = 13)]
    days: usize,
    /// Events that are not about whole days, or were cancelled.
    #[schema(example = 0)]
    skipped: usize,
}

/// Import holidays from an iCalendar file
///
/// Every whole day of the file becomes a holiday, instead of those that were imported before; a day that was excepted by hand stays as
/// it is. What comes again every year on the same date, or on the same weekday of a month (`BYMONTH=11;BYDAY=4TH`), is written out for
/// ten years; a file with another rule of repetition is refused.
#[utoipa::path(
    tag = "service levels",
    params(("id" = CalendarId, Path), IfMatch),
    request_body = HolidayFile,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The calendar as it is now", body = ImportedHolidays)),
)]
#[post("/calendars/{id}/import")]
async fn import_holidays(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CalendarId>,
    seen: IfMatch,
    body: Body<HolidayFile>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let import = move |conn: &mut _| {
        let (now, mut counts) = (now(), (0, 0));
        let calendar = service::change_calendar(conn, &caller, id.0, now, |calendar| {
            seen.check(calendar.version)?;
            counts = service::import_holidays(calendar, &body.icalendar, now)?;
            Ok(())
        })?;
        Ok((calendar, counts))
    };
    let (calendar, (days, skipped)) = db.tx(import).await?;
    let version = calendar.version;
    Ok(Answer::ok(&ImportedHolidays { calendar, days, skipped })?.version(version))
}
