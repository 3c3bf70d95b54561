//! What an hour costs, from which day on.
use chrono::{DateTime, NaiveDate, Utc};
use diesel::PgConnection;
use diesel::result::Error as DieselError;
use serde_json::Value;

use crate::db::violated;
use crate::events;
use crate::http::{IfMatch, set};
use crate::kernel::{AccountId, Actor, AppError, HourlyRateId, Page, PageRequest, Permission};
use crate::time_entries::rules::is_currency;
use crate::time_entries::store::{self, HourlyRate};

const NOT_FOUND: AppError = AppError::NotFound("the hourly rate");

fn subject(id: HourlyRateId) -> String {
    format!("hourly-rate/{id}")
}

fn named(error: DieselError) -> AppError {
    match violated(&error) {
        Some("hourly_rates_once") => AppError::conflict(
            "already_exists",
            "there is a rate from this day on; change that one",
        ),
        Some("hourly_rates_account_id_fkey") => {
            AppError::field("/account_id", "there is no such account")
        }
        _ => error.into(),
    }
}

fn check_currency(code: &str) -> Result<(), AppError> {
    if is_currency(code) {
        return Ok(());
    }
    Err(AppError::field("/currency", "is no currency of ISO 4217, such as EUR"))
}

/// A rate to be made.
#[derive(Debug, Clone)]
pub struct NewRate {
    /// None: of every account that has none of its own in force.
    pub account_id: Option<AccountId>,
    pub per_hour: i64,
    pub currency: String,
    pub valid_from: NaiveDate,
}

/// Fails with `already_exists` when the account has a rate from that day on.
pub fn create_rate(
    conn: &mut PgConnection,
    actor: &Actor,
    new: NewRate,
    now: DateTime<Utc>,
) -> Result<HourlyRate, AppError> {
    actor.require(Permission::PeopleWrite)?;
    check_currency(&new.currency)?;
    let rate = HourlyRate {
        id: HourlyRateId::new(),
        account_id: new.account_id,
        per_hour: new.per_hour,
        currency: new.currency,
        valid_from: new.valid_from,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::insert_rate(conn, &rate).map_err(named)?;
    events::resource_created(conn, actor, subject(rate.id), &rate, now)?;
    Ok(rate)
}

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct RateChange {
    pub per_hour: Option<i64>,
    pub currency: Option<String>,
    pub valid_from: Option<NaiveDate>,
}

/// Whatever the rate is for costs so much from now on, work of the past too.
pub fn change_rate(
    conn: &mut PgConnection,
    actor: &Actor,
    id: HourlyRateId,
    seen: IfMatch,
    wanted: RateChange,
    now: DateTime<Utc>,
) -> Result<HourlyRate, AppError> {
    actor.require(Permission::PeopleWrite)?;
    let before = store::lock_rate(conn, id)?.ok_or(NOT_FOUND)?;
    seen.check(before.version)?;
    let mut after = before.clone();
    set(&mut after.per_hour, wanted.per_hour);
    set(&mut after.currency, wanted.currency);
    set(&mut after.valid_from, wanted.valid_from);
    check_currency(&after.currency)?;
    if after == before {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save_rate(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(id), events::diff(&before, &after), now)?;
    Ok(after)
}

pub fn remove_rate(
    conn: &mut PgConnection,
    actor: &Actor,
    id: HourlyRateId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    actor.require(Permission::PeopleWrite)?;
    let rate = store::lock_rate(conn, id)?.ok_or(NOT_FOUND)?;
    seen.check(rate.version)?;
    store::delete_rate(conn, id)?;
    events::resource_deleted(conn, actor, subject(id), &rate, now)
}

pub fn get_rate(
    conn: &mut PgConnection,
    actor: &Actor,
    id: HourlyRateId,
) -> Result<HourlyRate, AppError> {
    actor.require(Permission::PeopleRead)?;
    store::find_rate(conn, id)?.ok_or(NOT_FOUND)
}

/// A page of rates, the latest made first.
pub fn rates(
    conn: &mut PgConnection,
    actor: &Actor,
    account: Option<AccountId>,
    page: &PageRequest,
) -> Result<Page<HourlyRate>, AppError> {
    actor.require(Permission::PeopleRead)?;
    let rows = store::rates(conn, account, page)?;
    Ok(page.page(rows, |rate| (Value::Null, rate.id.0)))
}
