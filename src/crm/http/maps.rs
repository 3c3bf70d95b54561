//! Which person, company or product of the desk is which record of the CRM.
use std::collections::HashSet;

use actix_web::{HttpRequest, get, put, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Caller;
use crate::crm::service;
use crate::crm::store::{Link, LinkKind};
use crate::db::Db;
use crate::http::{Answer, Body, PathId};
use crate::kernel::{AppError, ConnectionId, Permission};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_crm_map).service(change_crm_map);
}

/// The links of one kind.
#[derive(Debug, Serialize, ToSchema)]
struct MapView {
    items: Vec<LinkView>,
}

/// A pair of records.
#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkView {
    /// The desk's id.
    #[garde(skip)]
    local_id: Uuid,
    /// The CRM's id; null takes the link away.
    #[garde(inner(length(chars, min = 1, max = 255)))]
    #[schema(example = "8f1d3c52-1f7e-9c43-5d0a-6543f1c2a7b9")]
    remote_id: Option<String>,
}

fn view(links: Vec<Link>) -> MapView {
    let item = |link: Link| LinkView { local_id: link.local_id, remote_id: Some(link.remote_id) };
    MapView { items: links.into_iter().map(item).collect() }
}

fn kind(request: &HttpRequest) -> Result<LinkKind, AppError> {
    let kind = LinkKind::parse(request.match_info().get("kind").unwrap_or_default());
    kind.ok_or(AppError::NotFound("a map of this kind"))
}

/// Get the links of one kind
///
/// Those that were set, and those that were found by e-mail address or name and remembered.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path), ("kind" = inline(LinkKind), Path)),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "The links", body = MapView)),
)]
#[get("/crm/connections/{id}/maps/{kind}")]
async fn get_crm_map(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
    request: HttpRequest,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let kind = kind(&request)?;
    let links = db.read(move |conn| service::links(conn, id.0, kind)).await?;
    Answer::ok(&view(links))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct MapBody {
    #[garde(length(min = 1, max = 1000), dive)]
    items: Vec<LinkView>,
}

/// Set links of one kind
///
/// Links that are not named stay. Tickets that were parked for want of one go on. An import leaves alone what was taken
/// away here.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path), ("kind" = inline(LinkKind), Path)),
    request_body = MapBody,
    security(("client_credentials" = ["crm:write"])),
    responses((status = 200, description = "All links of this kind", body = MapView)),
)]
#[put("/crm/connections/{id}/maps/{kind}")]
async fn change_crm_map(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ConnectionId>,
    request: HttpRequest,
    body: Body<MapBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let kind = kind(&request)?;
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    let mut named = HashSet::new();
    for (n, LinkView { local_id, remote_id }) in body.into_inner().items.into_iter().enumerate() {
        if !named.insert(local_id) {
            return Err(AppError::field(format!("/items/{n}/local_id"), "it is named twice"));
        }
        match remote_id {
            Some(remote_id) => set.push(Link { local_id, remote_id }),
            None => remove.push(local_id),
        }
    }
    let links = db.tx(move |conn| service::set_links(conn, id.0, kind, &set, &remove)).await?;
    Answer::ok(&view(links))
}
