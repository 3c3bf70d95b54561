//! Which case and which lead a ticket has, where an integration makes them.
use actix_web::{put, web};
use chrono::Utc;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::service::{self, ToldLinks};
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
    /// The CRM's id of the case; what is left out stays.
    #[garde(inner(length(min = 1, max = 255)))]
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    case_id: Option<String>,
    /// The CRM's id of the lead that the ticket became.
    #[garde(inner(length(min = 1, max = 255)), custom(something(&self.case_id)))]
    #[schema(example = "7c9e6679-7425-40de-944b-e07fc1f90ae7")]
    lead_id: Option<String>,
}

fn something(case: &Option<String>) -> impl FnOnce(&Option<String>, &()) -> garde::Result + '_ {
    move |lead, ()| match case.is_some() || lead.is_some() {
        true => Ok(()),
        false => Err(garde::Error::new("tell the case, the lead, or both")),
    }
}

/// What a ticket is in the CRM.
#[derive(Debug, Serialize, ToSchema)]
struct CaseLink {
    ticket_id: TicketId,
    connection_id: ConnectionId,
    #[schema(example = "5e1f3c0a-7f0b-5a53-9c2e-1d2b3c4d5e6f")]
    case_id: Option<String>,
    #[schema(example = "7c9e6679-7425-40de-944b-e07fc1f90ae7")]
    lead_id: Option<String>,
    state: MirrorState,
}

/// Tell the case and the lead of a ticket
///
/// The last call counts. A ticket that had another case is compared anew; a case belongs to one ticket. A lead can be told of a
/// ticket that was converted to one.
#[utoipa::path(
    tag = "crm",
    params(("id" = TicketId, Path, description = "The ticket")),
    request_body = LinkBody,
    security(("client_credentials" = ["crm:sync"])),
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
    let (ticket_id, LinkBody { connection, case_id, lead_id }) = (id.0, body.into_inner());
    let told = ToldLinks { case_id, lead_id };
    let link = db.quiet_tx(move |conn| {
        let (links, state) = service::link(conn, connection, ticket_id, told, Utc::now())?;
        let ToldLinks { case_id, lead_id } = links;
        Ok(CaseLink { ticket_id, connection_id: connection, case_id, lead_id, state })
    });
    Answer::ok(&link.await?)
}
