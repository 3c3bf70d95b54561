//! The report about the mirror, which knows no period: it is about now.
use actix_web::{HttpRequest, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::query::wants_csv;
use super::table::mirror_table;
use crate::auth::Caller;
use crate::http::{Answer, Params, now};
use crate::kernel::{AppError, Permission};
use crate::reports::asking::Format;
use crate::reports::rules::MirrorHealth;
use crate::reports::{Reports, service};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MirrorQuery {
    /// `csv` for a table, as with `Accept: text/csv`.
    #[param(inline)]
    format: Option<Format>,
}

/// Get how far desk and CRMs are from agreement
///
/// Over all connections, and in each: what waits, what waits for somebody, and since when.
#[utoipa::path(
    tag = "reports",
    params(MirrorQuery),
    security(("client_credentials" = ["reports:read", "crm:read"])),
    responses((status = 200, description = "The figures", content(
        (MirrorHealth = "application/json"),
        (String = "text/csv", example = json!("part,connection_id,connection,state,pending,parked,conflicts,lag_seconds\r\ntotal,,,,3,1,0,2\r\n"))))),
)]
#[get("/reports/mirror-health")]
pub async fn get_mirror_health_report(
    reports: web::Data<Reports>,
    caller: Caller,
    query: Params<MirrorQuery>,
    request: HttpRequest,
) -> Result<Answer, AppError> {
    caller.require(Permission::ReportsRead)?;
    caller.require(Permission::CrmRead)?;
    let csv = wants_csv(&request, query.format);
    // Before the reading: what comes up meanwhile is not claimed to be in the CRM.
    let now = now();
    let health = reports.read(move |conn| service::mirror_health(conn, &caller, now)).await?;
    if csv { Ok(mirror_table(&health)) } else { Answer::ok(&health) }
}
