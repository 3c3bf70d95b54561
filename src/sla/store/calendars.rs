//! Calendars and their versions.
use std::ops::Deref;

use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::kept_as_json;
use crate::db::load_by_name;
use crate::db::schema::{calendar_versions, calendars, sla_revision};
use crate::kernel::{CalendarId, PageRequest, TimeZone};
use crate::people::WorkingHours;
use crate::sla::rules::{BusinessHours, Exception, Exceptions, check_business_week};

/// The windows of a week in which business time passes: at least one, and none overlaps another.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Jsonb)]
#[serde(try_from = "Vec<WorkingHours>")]
#[schema(value_type = Vec<WorkingHours>, example = json!([
    {"day": "mon", "from": "09:00", "to": "12:00"}, {"day": "mon", "from": "13:00", "to": "17:00"},
]))]
pub struct BusinessWeek(Vec<WorkingHours>);

impl TryFrom<Vec<WorkingHours>> for BusinessWeek {
    type Error = String;

    fn try_from(week: Vec<WorkingHours>) -> Result<Self, String> {
        check_business_week(&week).map(|()| Self(week))
    }
}

impl Deref for BusinessWeek {
    type Target = [WorkingHours];

    fn deref(&self) -> &[WorkingHours] {
        &self.0
    }
}

/// As they are kept.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
#[schema(value_type = Vec<Exception>)]
pub struct ExceptDays(pub Exceptions);
kept_as_json!(BusinessWeek, ExceptDays);

/// When business time passes.
#[derive(
    Debug, Clone, Serialize, Deserialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset,
)]
#[diesel(table_name = calendars, check_for_backend(Pg))]
pub struct Calendar {
    pub id: CalendarId,
    #[schema(example = "Office hours")]
    pub name: String,
    pub time_zone: TimeZone,
    pub week: BusinessWeek,
    /// Days with windows of their own, and holidays, which have none.
    pub exceptions: ExceptDays,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Calendar {
    pub fn hours(&self) -> BusinessHours {
        let exceptions = self.exceptions.0.iter();
        BusinessHours {
            time_zone: self.time_zone.0,
            week: self.week.to_vec(),
            exceptions: exceptions.map(|day| (day.date, day.windows.clone())).collect(),
        }
    }
}

pub fn insert_calendar(conn: &mut PgConnection, calendar: &Calendar) -> QueryResult<()> {
    diesel::insert_into(calendars::table).values(calendar).execute(conn)?;
    insert_version(conn, calendar)
}

pub fn find_calendar(conn: &mut PgConnection, id: CalendarId) -> QueryResult<Option<Calendar>> {
    calendars::table.find(id).select(Calendar::as_select()).first(conn).optional()
}

pub fn lock_calendar(conn: &mut PgConnection, id: CalendarId) -> QueryResult<Option<Calendar>> {
    let row = calendars::table.find(id).for_no_key_update();
    row.select(Calendar::as_select()).first(conn).optional()
}

pub fn calendars(conn: &mut PgConnection, request: &PageRequest) -> QueryResult<Vec<Calendar>> {
    let query = calendars::table.select(Calendar::as_select()).into_boxed();
    load_by_name!(conn, query, calendars, request)
}

/// Writes the calendar, which the caller has locked, and keeps this version of it.
pub fn save_calendar(conn: &mut PgConnection, calendar: &Calendar) -> QueryResult<()> {
    diesel::update(calendars::table.find(calendar.id)).set(calendar).execute(conn)?;
    insert_version(conn, calendar)
}

pub fn delete_calendar(conn: &mut PgConnection, id: CalendarId) -> QueryResult<usize> {
    diesel::delete(calendars::table.find(id)).execute(conn)
}

fn insert_version(conn: &mut PgConnection, calendar: &Calendar) -> QueryResult<()> {
    let document: Value = serde_json::to_value(calendar)
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let row = (
        calendar_versions::calendar_id.eq(calendar.id),
        calendar_versions::version.eq(calendar.version),
        calendar_versions::document.eq(document),
    );
    diesel::insert_into(calendar_versions::table).values(row).execute(conn)?;
    Ok(())
}

/// Clocks are derived anew from now on. Holds up other changes of policies and calendars until the end of the transaction.
pub fn next_revision(conn: &mut PgConnection) -> QueryResult<usize> {
    let next = sla_revision::revision.eq(sla_revision::revision + 1);
    diesel::update(sla_revision::table).set(next).execute(conn)
}
