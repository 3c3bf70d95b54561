//! Tags, one by one.
use actix_web::{delete, get, put, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::rules::TagCount;
use super::super::service::{self, TagChange};
use super::view::{TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, IfMatch, Params, now};
use crate::kernel::{AppError, PAGE_DEFAULT, PAGE_MAX, Permission, TicketId};

/// Put a tag on a ticket
///
/// The others stay, whoever changes them meanwhile; a tag that is there stays too.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), ("tag" = String, Path, description = "1 to 60 characters", example = "export")),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[put("/tickets/{id}/tags/{tag}")]
pub async fn tag_ticket(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, String)>,
) -> Result<Answer, AppError> {
    let (id, tag) = path.into_inner();
    set(db, caller, id, TagChange { add: vec![tag], remove: Vec::new() }).await
}

/// Take a tag off a ticket
///
/// The others stay; a tag that is not there is no error.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), ("tag" = String, Path, example = "export")),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[delete("/tickets/{id}/tags/{tag}")]
pub async fn untag_ticket(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, String)>,
) -> Result<Answer, AppError> {
    let (id, tag) = path.into_inner();
    set(db, caller, id, TagChange { add: Vec::new(), remove: vec![tag] }).await
}

async fn set(
    db: web::Data<Db>,
    caller: Caller,
    id: TicketId,
    change: TagChange,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    db.tx(move |conn| {
        let now = now();
        let ticket = service::change_tags(conn, &caller, id, IfMatch(None), &change, now)?;
        answer(ticket, &caller, now)
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TagQuery {
    /// Only tags that begin so.
    #[param(example = "ex")]
    #[serde(default)]
    prefix: String,
    /// Tags at the most; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
}

/// Tags that are in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagsView {
    items: Vec<TagCount>,
}

/// List the tags that are in use, most used first
///
/// Counted over the 10,000 newest tickets with tags of your departments or accounts.
#[utoipa::path(
    tag = "tickets",
    params(TagQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The tags", body = TagsView)),
)]
#[get("/tags")]
pub async fn list_tags(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<TagQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).min(PAGE_MAX);
    let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0);
    let limit = limit.ok_or_else(|| AppError::Malformed("limit must be at least 1".into()))?;
    let items = db.read(move |conn| service::tags(conn, &caller, &query.prefix, limit)).await?;
    Answer::ok(&TagsView { items })
}
