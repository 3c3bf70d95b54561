//! What an hour costs.
use actix_web::{delete, get, patch, post, web};
use chrono::NaiveDate;
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now};
use crate::kernel::{AccountId, AppError, HourlyRateId, Page, Permission};
use crate::time_entries::service::{self, NewRate, RateChange};
use crate::time_entries::store::HourlyRate;

/// What an hour of chargeable work costs, from a day on.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"per_hour": 12_000, "currency": "EUR", "valid_from": "2026-01-01"}))]
pub struct CreateHourlyRate {
    /// Null or absent: of each account that has none of its own in force.
    #[garde(skip)]
    account_id: Option<AccountId>,
    /// In the minor unit of the currency, such as cents.
    #[garde(range(min = 0, max = 1_000_000_000))]
    #[schema(example = 12_000)]
    per_hour: i64,
    /// ISO 4217.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(example = "EUR")]
    currency: String,
    /// The first day of work that it is for.
    #[garde(skip)]
    #[schema(example = "2026-01-01")]
    valid_from: NaiveDate,
}

/// Create an hourly rate
///
/// It is for work from `valid_from` on, until the next rate of the same account. Work that was logged before is priced by it too.
#[utoipa::path(
    tag = "time",
    params(Idempotency),
    request_body = CreateHourlyRate,
    security(("client_credentials" = ["people:write"])),
    responses((status = 201, description = "The rate", body = HourlyRate)),
)]
#[post("/hourly-rates")]
pub async fn create_hourly_rate(
    db: web::Data<Db>,
    caller: Caller,
    key: Idempotency,
    body: Body<CreateHourlyRate>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let CreateHourlyRate { account_id, per_hour, currency, valid_from } = body;
    let new = NewRate { account_id, per_hour, currency, valid_from };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let rate = service::create_rate(conn, &caller, new, now())?;
            let location = format!("/v1/hourly-rates/{}", rate.id);
            Ok(Answer::created(location, &rate)?.version(rate.version))
        })
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct RateQuery {
    /// Only those of this account.
    account: Option<AccountId>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter.
    cursor: Option<String>,
}

/// List hourly rates, the latest made first
///
/// Of accounts, and the desk's own for everybody else. An entry is priced by the rate that is in force on its day.
#[utoipa::path(
    tag = "time",
    params(RateQuery),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "A page of rates", body = Page<HourlyRate>)),
)]
#[get("/hourly-rates")]
pub async fn list_hourly_rates(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<RateQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let Params(RateQuery { account, limit, cursor }) = query;
    let page = PageQuery { limit, cursor }.request(&format!("hourly rates {account:?}"))?;
    let found = db.read(move |conn| service::rates(conn, &caller, account, &page)).await?;
    Answer::page(&found)
}

/// Get an hourly rate
///
/// Also one that is in force no more, or not yet.
#[utoipa::path(
    tag = "time",
    params(("id" = HourlyRateId, Path)),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "The rate", body = HourlyRate)),
)]
#[get("/hourly-rates/{id}")]
pub async fn get_hourly_rate(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<HourlyRateId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let rate = db.read(move |conn| service::get_rate(conn, &caller, id.0)).await?;
    Ok(Answer::ok(&rate)?.version(rate.version))
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeHourlyRate {
    /// In the minor unit of the currency.
    #[garde(range(min = 0, max = 1_000_000_000))]
    #[schema(example = 13_000)]
    per_hour: Option<i64>,
    /// ISO 4217.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(example = "EUR")]
    currency: Option<String>,
    #[garde(skip)]
    #[schema(example = "2026-02-01")]
    valid_from: Option<NaiveDate>,
}

/// Change an hourly rate
///
/// Whatever it is for costs so much from now on, work of the past too. For another price from a day on, create another rate.
#[utoipa::path(
    tag = "time",
    params(("id" = HourlyRateId, Path), IfMatch),
    request_body = ChangeHourlyRate,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The rate as it is now", body = HourlyRate)),
)]
#[patch("/hourly-rates/{id}")]
pub async fn change_hourly_rate(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<HourlyRateId>,
    seen: IfMatch,
    body: Body<ChangeHourlyRate>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let ChangeHourlyRate { per_hour, currency, valid_from } = body.into_inner();
    let change = RateChange { per_hour, currency, valid_from };
    let change = move |conn: &mut _| service::change_rate(conn, &caller, id.0, seen, change, now());
    let rate = db.tx(change).await?;
    Ok(Answer::ok(&rate)?.version(rate.version))
}

/// Remove an hourly rate
///
/// Entries that it priced are priced by what is in force without it, also those of the past.
#[utoipa::path(
    tag = "time",
    params(("id" = HourlyRateId, Path), IfMatch),
    security(("client_credentials" = ["people:write"])),
    responses((status = 204, description = "Removed")),
)]
#[delete("/hourly-rates/{id}")]
pub async fn remove_hourly_rate(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<HourlyRateId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    db.tx(move |conn| service::remove_rate(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}
