//! What the operator of a connection does.
use actix_web::{post, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::service;
use crate::db::Db;
use crate::http::{Answer, PathId};
use crate::kernel::{AppError, ConnectionId, Permission};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(reconcile_crm_connection);
}

/// How many mirrors an operation has marked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Marked {
    #[schema(example = 3)]
    pub marked: usize,
}

/// Compare everything
///
/// Marks every mirror of the connection: its case is read and compared in full, also what no feed of the CRM shows
/// (deletions, related contacts, notes), and what differs is put right. Watch the backlog in the connection's health.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    security(("bearer" = ["crm:write"]), ("client_credentials" = ["crm:write"])),
    responses((status = 202, description = "Marked", body = Marked)),
)]
#[post("/crm/connections/{id}/reconcile")]
async fn reconcile_crm_connection(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let marked = db.tx(move |conn| service::reconcile(conn, id.0)).await?;
    Ok(Answer::ok(&Marked { marked })?.status(202))
}
