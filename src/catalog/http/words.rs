//! Ticket types.
use actix_web::{get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::catalog::{TicketType, service};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, now, nullable};
use crate::kernel::{AppError, Page, Permission, WorkflowId};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_ticket_type).service(change_ticket_type).service(list_ticket_types);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicketType {
    /// What tickets name it by; it never changes.
    #[garde(custom(is_key))]
    #[schema(example = "change_request", pattern = "^[a-z][a-z0-9_]{0,49}$")]
    key: String,
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Change request")]
    name: String,
    /// The workflow of its tickets; absent: that of the department which takes them.
    #[garde(skip)]
    workflow_id: Option<WorkflowId>,
}

pub(super) fn is_key(key: &str, _: &()) -> garde::Result {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.len() <= 50
        && key.bytes().all(known);
    let refusal = || garde::Error::new("must be a word such as change_request, at most 50 long");
    fits.then_some(()).ok_or_else(refusal)
}

/// Create a ticket type
///
/// The key is what tickets carry, and never changes.
#[utoipa::path(
    tag = "catalog",
    params(Idempotency),
    request_body = NewTicketType,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 201, description = "The ticket type", body = TicketType)),
)]
#[post("/ticket-types")]
async fn create_ticket_type(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewTicketType>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let NewTicketType { key, name, workflow_id } = new;
    let kind = TicketType { key, name, workflow_id, version: 1 };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create_ticket_type(conn, &caller, &kind, now())?;
            Ok(Answer::created("/v1/ticket-types".into(), &kind)?.version(kind.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Change request"}))]
pub struct TicketTypeChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Change request")]
    name: Option<String>,
    /// The workflow of the tickets that are opened from now on; null: that of their department. Those that are there keep theirs.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(skip)]
    #[schema(value_type = Option<WorkflowId>)]
    workflow_id: Option<Option<WorkflowId>>,
}

/// Change a ticket type
///
/// Fields that are absent stay as they are. Tickets that are there keep their workflow.
#[utoipa::path(
    tag = "catalog",
    params(
        ("key" = String, Path, example = "incident"),
        IfMatch,
    ),
    request_body = TicketTypeChange,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 200, description = "The ticket type as it is now", body = TicketType)),
)]
#[patch("/ticket-types/{key}")]
async fn change_ticket_type(
    db: web::Data<Db>,
    caller: Caller,
    key: web::Path<String>,
    seen: IfMatch,
    body: Body<TicketTypeChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let change = body.into_inner();
    let apply = move |kind: &mut TicketType| {
        seen.check(kind.version)?;
        kind.name = change.name.unwrap_or_else(|| kind.name.clone());
        kind.workflow_id = change.workflow_id.unwrap_or(kind.workflow_id);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_ticket_type(conn, &caller, &key, apply, now());
    let kind = db.tx(change).await?;
    Ok(Answer::ok(&kind)?.version(kind.version))
}

/// List ticket types by key
///
/// What a ticket can be, such as a question or an incident.
#[utoipa::path(
    tag = "catalog",
    params(PageQuery),
    security(("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "A page of ticket types", body = Page<TicketType>)),
)]
#[get("/ticket-types")]
async fn list_ticket_types(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let request = query.request("ticket types")?;
    let page = db.read(move |conn| service::list_ticket_types(conn, &request)).await?;
    Answer::page(&page)
}
