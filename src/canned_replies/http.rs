//! Endpoints of the canned replies.
use actix_web::{delete, get, patch, post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::rules::ReplyAudience;
use super::service;
use super::store::CannedReply;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now, nullable, set};
use crate::kernel::{
    AppError, CannedReplyId, DepartmentId, Page, PageRequest, Permission, TicketId,
};
use crate::notes::markdown_html;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_canned_reply)
        .service(list_canned_replies)
        .service(get_canned_reply)
        .service(change_canned_reply)
        .service(delete_canned_reply)
        .service(preview_canned_reply);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ask for the version", "body": "Dear {{ contact.name }}, which version do you use?" }))]
struct NewCannedReply {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Ask for the version")]
    name: String,
    /// Markdown with placeholders, such as `{{ ticket.number }}`.
    #[garde(length(chars, min = 1, max = 20_000))]
    #[schema(example = "Dear {{ contact.name }}, which version do you use?")]
    body: String,
    /// Whom it is for; oneself when absent.
    #[garde(skip)]
    audience: Option<ReplyAudience>,
    /// With the audience `department`.
    #[garde(skip)]
    #[schema(example = json!(null))]
    department_id: Option<DepartmentId>,
}

/// Save a canned reply
///
/// A text that a ticket fills in where it has placeholders: `ticket.number`, `.subject`, `.status`, `.priority`, `.type`, `.url`,
/// `.resolution`; `contact.name`, `.email`; `account.name`, `.manager_name`, `.manager_email`; `product.name`;
/// `department.name`; `agent.name`, who uses it. `{% if %}` and the filters `default`, `upper`, `lower`, `title` and `trim` are there.
/// Coordinators and administrators share replies with a department or with the desk.
#[utoipa::path(
    tag = "canned replies",
    params(Idempotency),
    request_body = NewCannedReply,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The canned reply", body = CannedReply)),
)]
#[post("/canned-replies")]
async fn create_canned_reply(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewCannedReply>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let reply = CannedReply {
        id: CannedReplyId::new(),
        name: new.name,
        audience: new.audience.unwrap_or(ReplyAudience::Personal),
        owner_id: caller.id,
        department_id: new.department_id,
        body: new.body,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create(conn, &caller, &reply, now)?;
            let location = format!("/v1/canned-replies/{}", reply.id);
            Ok(Answer::created(location, &reply)?.version(reply.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CannedReplyQuery {
    /// Part of the name or the text, without regard to case.
    #[param(example = "version")]
    q: Option<String>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List canned replies by name
///
/// Your own and those that are shared with you.
#[utoipa::path(
    tag = "canned replies",
    params(CannedReplyQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of canned replies", body = Page<CannedReply>)),
)]
#[get("/canned-replies")]
async fn list_canned_replies(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<CannedReplyQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let binding = format!("canned replies {:?}", query.q);
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let list = move |conn: &mut _| service::list(conn, &caller, query.q.as_deref(), &request);
    Answer::page(&db.read(list).await?)
}

/// Get a canned reply
///
/// As it was written, with its placeholders. Use the preview to see it filled in for a ticket.
#[utoipa::path(
    tag = "canned replies",
    params(("id" = CannedReplyId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The canned reply", body = CannedReply)),
)]
#[get("/canned-replies/{id}")]
async fn get_canned_reply(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CannedReplyId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let reply = db.read(move |conn| service::get(conn, &caller, id.0)).await?;
    Ok(Answer::ok(&reply)?.version(reply.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct CannedReplyChange {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Ask for the version")]
    name: Option<String>,
    #[garde(length(chars, min = 1, max = 20_000))]
    #[schema(example = "Dear {{ contact.name }}, which version do you use?")]
    body: Option<String>,
    #[garde(skip)]
    audience: Option<ReplyAudience>,
    #[serde(default, deserialize_with = "nullable")]
    #[garde(skip)]
    #[schema(value_type = Option<DepartmentId>, example = json!(null))]
    department_id: Option<Option<DepartmentId>>,
}

/// Change a canned reply
///
/// Your own, or a shared one, which is for coordinators and administrators.
#[utoipa::path(
    tag = "canned replies",
    params(("id" = CannedReplyId, Path), IfMatch),
    request_body = CannedReplyChange,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The canned reply as it is now", body = CannedReply)),
)]
#[patch("/canned-replies/{id}")]
async fn change_canned_reply(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CannedReplyId>,
    seen: IfMatch,
    body: Body<CannedReplyChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let change = body.into_inner();
    let reply = db
        .tx(move |conn| {
            service::change(conn, &caller, id.0, seen, now(), |reply| {
                set(&mut reply.name, change.name);
                set(&mut reply.body, change.body);
                set(&mut reply.audience, change.audience);
                set(&mut reply.department_id, change.department_id);
            })
        })
        .await?;
    Ok(Answer::ok(&reply)?.version(reply.version))
}

/// Delete a canned reply
///
/// Your own, or a shared one, which is for coordinators and administrators. What was sent stays.
#[utoipa::path(
    tag = "canned replies",
    params(("id" = CannedReplyId, Path), IfMatch),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "It is gone")),
)]
#[delete("/canned-replies/{id}")]
async fn delete_canned_reply(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CannedReplyId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    db.tx(move |conn| service::delete(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}

/// The ticket that fills a reply in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct FillIn {
    #[garde(skip)]
    ticket_id: TicketId,
}

/// A reply as a ticket fills it in.
#[derive(Debug, Serialize, ToSchema)]
struct FilledIn {
    /// To be sent as it is, or changed before.
    #[schema(example = "Dear Purchasing contact, which version do you use?")]
    body: String,
    /// How it would be shown.
    #[schema(example = "<p>Dear Purchasing contact, which version do you use?</p>")]
    body_html: String,
}

/// Fill in a canned reply
///
/// With what this ticket has, for you to send or to change. Nothing is sent.
#[utoipa::path(
    tag = "canned replies",
    params(("id" = CannedReplyId, Path)),
    request_body = FillIn,
    security(
        ("client_credentials" = ["tickets:read", "tickets:work"]),
    ),
    responses((status = 200, description = "The text", body = FilledIn)),
)]
#[post("/canned-replies/{id}/preview")]
async fn preview_canned_reply(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CannedReplyId>,
    body: Body<FillIn>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let ticket = body.ticket_id;
    let body = db.read(move |conn| service::preview(conn, &caller, id.0, ticket)).await?;
    Answer::ok(&FilledIn { body_html: markdown_html(&body), body })
}
