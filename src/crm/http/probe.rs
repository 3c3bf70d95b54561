//! Trying out a CRM before it goes live.
use actix_web::{post, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::Engine;
use crate::crm::probe::Report;
use crate::crm::service;
use crate::db::Db;
use crate::http::{Answer, PathId};
use crate::kernel::{AppError, ConnectionId, Permission};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(probe_crm_connection);
}

/// What a probe found.
#[derive(Debug, Serialize, ToSchema)]
struct ReportView {
    /// Whether the mirror can work with this CRM as it is.
    passed: bool,
    #[serde(flatten)]
    report: Report,
}

/// Try out the CRM of a connection
///
/// Writes a case and a note and deletes them again: credentials, permissions, attributes, text, stamps, saves at the same
/// time, deletion. Takes some seconds. What it finds out is kept with the connection and the mirror goes by it. A CRM that refuses
/// the credentials or does not answer is a report that has not passed.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "The report", body = ReportView)),
)]
#[post("/crm/connections/{id}/probe")]
async fn probe_crm_connection(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let connection = db.read(move |conn| service::connection(conn, id.0)).await?;
    let report = engine.probe(connection).await?;
    Answer::ok(&ReportView { passed: report.passed(), report })
}
