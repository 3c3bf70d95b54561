//! What an hour costs.
use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::hourly_rates;
use crate::kernel::{AccountId, HourlyRateId, PageRequest};

/// What an hour of chargeable work costs, from a day on.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset,
)]
#[diesel(table_name = hourly_rates, check_for_backend(Pg), treat_none_as_null = true)]
pub struct HourlyRate {
    pub id: HourlyRateId,
    /// Null: of each account that has none of its own in force.
    pub account_id: Option<AccountId>,
    /// In the minor unit of the currency, such as cents.
    #[schema(example = 12_000)]
    pub per_hour: i64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    pub currency: String,
    /// The first day of work that it is for; until the next rate of the account.
    #[schema(example = "2026-01-01")]
    pub valid_from: NaiveDate,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub fn insert_rate(conn: &mut PgConnection, rate: &HourlyRate) -> QueryResult<usize> {
    diesel::insert_into(hourly_rates::table).values(rate).execute(conn)
}

/// Writes every column.
pub fn save_rate(conn: &mut PgConnection, rate: &HourlyRate) -> QueryResult<usize> {
    diesel::update(hourly_rates::table.find(rate.id)).set(rate).execute(conn)
}

pub fn delete_rate(conn: &mut PgConnection, id: HourlyRateId) -> QueryResult<usize> {
    diesel::delete(hourly_rates::table.find(id)).execute(conn)
}

pub fn lock_rate(conn: &mut PgConnection, id: HourlyRateId) -> QueryResult<Option<HourlyRate>> {
    let rate = hourly_rates::table.find(id).for_no_key_update();
    rate.select(HourlyRate::as_select()).first(conn).optional()
}

pub fn find_rate(conn: &mut PgConnection, id: HourlyRateId) -> QueryResult<Option<HourlyRate>> {
    hourly_rates::table.find(id).select(HourlyRate::as_select()).first(conn).optional()
}

/// A page of rates, the latest made first.
pub fn rates(
    conn: &mut PgConnection,
    account: Option<AccountId>,
    page: &PageRequest,
) -> QueryResult<Vec<HourlyRate>> {
    let mut query =
        hourly_rates::table.limit(page.fetch()).select(HourlyRate::as_select()).into_boxed();
    if let Some(account) = account {
        query = query.filter(hourly_rates::account_id.eq(account));
    }
    let from = page.cursor.as_ref().map(|cursor| cursor.id);
    query = match (from, page.backward()) {
        (Some(id), false) => query.filter(hourly_rates::id.lt(id)),
        (Some(id), true) => query.filter(hourly_rates::id.gt(id)),
        (None, _) => query,
    };
    if page.backward() {
        query.order(hourly_rates::id).load(conn)
    } else {
        query.order(hourly_rates::id.desc()).load(conn)
    }
}
