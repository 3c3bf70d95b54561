//! What was worked, added up.
use actix_web::{get, web};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::PeriodQuery;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId};
use crate::kernel::{AccountId, AppError, Permission, TicketId};
use crate::time_entries::rules::Totals;
use crate::time_entries::service;

/// What was worked in a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimeTotals {
    /// The first day; null: since ever.
    #[schema(example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// The last day; null: until now.
    #[schema(example = "2026-11-30")]
    to: Option<NaiveDate>,
    #[schema(example = 7)]
    entries: i64,
    #[schema(example = 315)]
    minutes: i64,
    #[schema(example = 270)]
    chargeable_minutes: i64,
    /// Chargeable ones for which there is no rate.
    #[schema(example = 0)]
    unpriced_minutes: i64,
    /// What the chargeable entries cost, each rounded by itself; by currency.
    amounts: Vec<MoneyView>,
}

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyView {
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// In the minor unit of the currency.
    #[schema(example = 54_000)]
    amount: i64,
}

fn view(period: &PeriodQuery, totals: Totals) -> TimeTotals {
    let amounts = totals.amounts.into_iter();
    TimeTotals {
        from: period.from,
        to: period.to,
        entries: totals.entries,
        minutes: totals.minutes,
        chargeable_minutes: totals.chargeable_minutes,
        unpriced_minutes: totals.unpriced_minutes,
        amounts: amounts
            .map(|sum| MoneyView { currency: sum.currency, amount: sum.amount })
            .collect(),
    }
}

/// Add up what was worked on a ticket
///
/// With what was worked on the tickets that were merged into it.
#[utoipa::path(
    tag = "time",
    params(("id" = TicketId, Path), PeriodQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The totals", body = TimeTotals)),
)]
#[get("/tickets/{id}/time-totals")]
pub async fn get_ticket_time_totals(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    period: Params<PeriodQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let filter = period.filter();
    let totals = move |conn: &mut _| service::of_ticket(conn, &caller, id.0, &filter);
    Answer::ok(&view(&period, db.read(totals).await?))
}

/// Add up what was worked for an account
///
/// On tickets that you may see, and by yourself.
#[utoipa::path(
    tag = "time",
    params(("id" = AccountId, Path), PeriodQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The totals", body = TimeTotals)),
)]
#[get("/accounts/{id}/time-totals")]
pub async fn get_account_time_totals(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AccountId>,
    period: Params<PeriodQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let filter = period.filter();
    let totals = move |conn: &mut _| service::of_account(conn, &caller, id.0, &filter);
    Answer::ok(&view(&period, db.read(totals).await?))
}
