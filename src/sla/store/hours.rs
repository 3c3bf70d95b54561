//! By which calendars clocks were measured.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;

use super::Calendar;
use crate::db::schema::{calendar_versions, sla_clocks};
use crate::kernel::{CalendarId, TicketId};
use crate::sla::rules::Metric;

/// A clock: its ticket, its metric, when it started, and its calendar in a version.
pub type MeasuredClock = (TicketId, Metric, DateTime<Utc>, (CalendarId, i32));

/// The clocks of these tickets that are or were measured by a calendar.
pub fn measured(conn: &mut PgConnection, tickets: &[TicketId]) -> QueryResult<Vec<MeasuredClock>> {
    use sla_clocks as c;
    let calendar = (c::calendar_id.assume_not_null(), c::calendar_version.assume_not_null());
    c::table
        .filter(c::ticket_id.eq_any(tickets))
        .filter(c::calendar_id.is_not_null())
        .select((c::ticket_id, c::metric, c::started_at, calendar))
        .load(conn)
}

/// Calendars in these versions, and in some others of the same.
pub fn calendar_versions(
    conn: &mut PgConnection,
    of: &[(CalendarId, i32)],
) -> QueryResult<Vec<Calendar>> {
    let (ids, versions): (Vec<_>, Vec<_>) = of.iter().copied().unzip();
    let found = calendar_versions::table
        .filter(calendar_versions::calendar_id.eq_any(ids))
        .filter(calendar_versions::version.eq_any(versions));
    let documents: Vec<Value> = found.select(calendar_versions::document).load(conn)?;
    let read = documents.into_iter().map(serde_json::from_value);
    read.collect::<Result<_, _>>()
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}
