//! Addresses that no mail is sent to.
use actix_web::{delete, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::service;
use super::super::store::Suppression;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId};
use crate::kernel::{AppError, Page, PageRequest, Permission, SuppressionId};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SuppressionQuery {
    /// This address alone, without regard to case.
    #[param(example = "gone@customer.example")]
    email: Option<String>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List the addresses that no mail is sent to, latest first
///
/// The mail server said that there is nobody there, or a report came back. Mails to them are kept as `suppressed`.
#[utoipa::path(
    tag = "mails",
    params(SuppressionQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of addresses", body = Page<Suppression>)),
)]
#[get("/mail-suppressions")]
pub async fn list_mail_suppressions(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<SuppressionQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let SuppressionQuery { email, limit, cursor } = query.0;
    let binding = format!("mail-suppressions {email:?}");
    let request = PageRequest::new(limit, cursor.as_deref(), &binding)?;
    let list = move |conn: &mut _| service::suppressions(conn, &caller, email.as_deref(), &request);
    Answer::page(&db.read(list).await?)
}

/// Let mail go to an address again
///
/// What was not sent meanwhile stays `suppressed`; try those again that are still wanted.
#[utoipa::path(
    tag = "mails",
    params(("id" = SuppressionId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "It is off the list")),
)]
#[delete("/mail-suppressions/{id}")]
pub async fn lift_mail_suppression(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<SuppressionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    db.quiet_tx(move |conn| service::lift(conn, &caller, id.0)).await?;
    Ok(Answer::no_content())
}
