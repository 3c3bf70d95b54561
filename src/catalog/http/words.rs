//! Ticket types.
use actix_web::{get, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::catalog::{TicketType, service};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, Params, now};
use crate::kernel::{AppError, Page, PageRequest, Permission};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_ticket_type).service(list_ticket_types);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    pub(super) limit: Option<i64>,
    /// `next` or `prev` of another page.
    pub(super) cursor: Option<String>,
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
#[utoipa::path(
    tag = "catalog",
    params(Idempotency),
    request_body = NewTicketType,
    security(("bearer" = ["catalog:write"]), ("client_credentials" = ["catalog:write"])),
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
    let kind = TicketType { key: new.key, name: new.name };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create_ticket_type(conn, &caller, &kind, now())?;
            Answer::created("/v1/ticket-types".into(), &kind)
        })
    };
    db.tx(create).await
}

/// List ticket types by key
#[utoipa::path(
    tag = "catalog",
    params(KeyQuery),
    security(("bearer" = ["catalog:read"]), ("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "A page of ticket types", body = Page<TicketType>)),
)]
#[get("/ticket-types")]
async fn list_ticket_types(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<KeyQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), "ticket types")?;
    let page = db.read(move |conn| service::list_ticket_types(conn, &request)).await?;
    Answer::page(&page)
}
