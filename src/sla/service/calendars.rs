//! Calendars.
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::named;
use crate::db::violated;
use crate::events;
use crate::kernel::{Actor, AppError, CalendarId, Page, PageRequest};
use crate::sla::rules::{Exception, holidays};
use crate::sla::store::{self, Calendar};

/// The longest span that is measured on request.
pub const MEASURED_DAYS: i64 = 3_660;

const MISSING: AppError = AppError::NotFound("the calendar");

fn subject(id: CalendarId) -> String {
    format!("calendar/{id}")
}

/// Fails with `name_taken`.
pub fn create_calendar(
    conn: &mut PgConnection,
    actor: &Actor,
    calendar: &Calendar,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::insert_calendar(conn, calendar).map_err(named)?;
    events::resource_created(conn, actor, subject(calendar.id), calendar, now)
}

pub fn get_calendar(conn: &mut PgConnection, id: CalendarId) -> Result<Calendar, AppError> {
    store::find_calendar(conn, id)?.ok_or(MISSING)
}

pub fn list_calendars(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<Calendar>, AppError> {
    let rows = store::calendars(conn, request)?;
    Ok(request.page(rows, |calendar| (json!(calendar.name), calendar.id.0)))
}

/// Changes a calendar under lock; `change` gets the present state. What changes nothing makes no new version; anything else
/// lets every open clock be derived anew.
pub fn change_calendar(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CalendarId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Calendar) -> Result<(), AppError>,
) -> Result<Calendar, AppError> {
    let before = store::lock_calendar(conn, id)?.ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save_calendar(conn, &after).map_err(named)?;
    store::next_revision(conn)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}

/// Fails with `calendar_in_use`.
pub fn delete_calendar(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CalendarId,
    check: impl FnOnce(&Calendar) -> Result<(), AppError>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let calendar = store::lock_calendar(conn, id)?.ok_or(MISSING)?;
    check(&calendar)?;
    // Refused by foreign keys of policies, or of clocks that were measured by one of its versions.
    store::delete_calendar(conn, id).map_err(|error| match violated(&error) {
        Some(_) => {
            AppError::conflict("calendar_in_use", "policies measure by it, or have measured")
        }
        None => error.into(),
    })?;
    events::resource_deleted(conn, actor, subject(id), &calendar, now)
}

/// Makes a day one with windows of its own, or a holiday.
pub fn set_exception(calendar: &mut Calendar, exception: Exception) -> Result<(), AppError> {
    let wrong = |detail| AppError::field("/windows", detail);
    calendar.exceptions.0.set(exception).map_err(wrong)
}

/// The day is one like any other again.
pub fn remove_exception(calendar: &mut Calendar, date: NaiveDate) -> Result<(), AppError> {
    if calendar.exceptions.0.remove(date) {
        Ok(())
    } else {
        Err(AppError::NotFound("the exception"))
    }
}

/// Takes over the holidays of an iCalendar file, instead of those that were taken over before; returns how many of its days were
/// read, and how many of its events were not.
pub fn import_holidays(
    calendar: &mut Calendar,
    file: &str,
    now: DateTime<Utc>,
) -> Result<(usize, usize), AppError> {
    let wrong = |detail| AppError::field("/icalendar", detail);
    let found = holidays(file, now.year()).map_err(wrong)?;
    let counts = (found.days.len(), found.skipped);
    calendar.exceptions.0.import(found.days).map_err(wrong)?;
    Ok(counts)
}
