//! Which case a ticket has, where an integration makes the cases.
use actix_web::{put, web};
use chrono::Utc;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::service;
use crate::crm::store::MirrorState;
use crate::db::Db;
use crate::http::{Answer, Body, PathId};
use crate::kernel::{AppError, ConnectionId, Permission, TicketId};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(link_crm_case);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    #[garde(skip)]
    connection: ConnectionId,
    /// The CRM's id of the case.
    #[garde(length(min = 1, max = 255))]
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    case_id: String,
}

/// A ticket and its case.
#[derive(Debug, Serialize, ToSchema)]
struct CaseLink {
    ticket_id: TicketId,
    connection_id: ConnectionId,
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    case_id: String,
    state: MirrorState,
}

/// Tell the case of a ticket
///
/// The last call counts. A ticket that had another case is compared anew; a case belongs to one ticket.
#[utoipa::path(
    tag = "crm",
    params(("id" = TicketId, Path, description = "The ticket")),
    request_body = LinkBody,
    security(("bearer" = ["crm:sync"]), ("client_credentials" = ["crm:sync"])),
    responses((status = 200, description = "The link", body = CaseLink)),
)]
#[put("/crm/links/{id}")]
async fn link_crm_case(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    body: Body<LinkBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmSync)?;
    let (ticket_id, LinkBody { connection, case_id }) = (id.0, body.into_inner());
    let case = case_id.clone();
    let linked =
        db.quiet_tx(move |conn| service::link_case(conn, connection, ticket_id, &case, Utc::now()));
    let state = linked.await?;
    Answer::ok(&CaseLink { ticket_id, connection_id: connection, case_id, state })
}
