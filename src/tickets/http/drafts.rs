//! Drafts: opened step by step.
use actix_web::{delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::rules::Step;
use super::super::service::{self, DRAFTS_KEPT, Draft, NewTicket};
use super::change::ChangeTicket;
use super::open::OpenTicket;
use super::view::{TicketSummary, TicketView, answer, view};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now};
use crate::kernel::{AccountId, Actor, AppError, Page, Permission, TicketId, rfc3339};

/// A ticket that is not submitted yet, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftView {
    #[serde(flatten)]
    ticket: TicketView,
    /// True when it can be submitted.
    complete: bool,
    /// The steps of the wizard, in their order.
    steps: Vec<Step>,
    /// When it is forgotten unless somebody touches it.
    #[serde(serialize_with = "rfc3339::serialize")]
    expires_at: DateTime<Utc>,
}

impl DraftView {
    fn new(draft: Draft, actor: &Actor, now: DateTime<Utc>) -> Self {
        Self {
            complete: draft.steps.iter().all(|step| step.complete),
            steps: draft.steps,
            expires_at: draft.ticket.row.updated_at + DRAFTS_KEPT,
            ticket: view(draft.ticket, actor, now),
        }
    }
}

fn shown(draft: Draft, actor: &Actor, now: DateTime<Utc>) -> Result<Answer, AppError> {
    let version = draft.ticket.row.version;
    Ok(Answer::ok(&DraftView::new(draft, actor, now))?.version(version))
}

/// Begin a draft
///
/// With whatever is known already. It is seen by you alone until you submit it; you have 100 at the most, and one that
/// nobody touches for 90 days is forgotten. The same as opening a ticket with `draft`.
#[utoipa::path(
    tag = "drafts",
    request_body(content = OpenTicket, example = json!({"account_id": AccountId::EXAMPLE, "subject": "The export stops"})),
    params(Idempotency),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 201, description = "The draft and its steps", body = DraftView)),
)]
#[post("/drafts")]
pub async fn create_draft(
    db: web::Data<Db>,
    caller: Caller,
    key: Idempotency,
    body: Body<OpenTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let fingerprint = body.fingerprint.clone();
    let new = NewTicket { draft: true, ..NewTicket::from(body.into_inner()) };
    db.quiet_tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let now = now();
            let opened = service::open(conn, &caller, new, now)?;
            let draft = service::assess(conn, opened, now)?;
            let (id, version) = (draft.ticket.row.id, draft.ticket.row.version);
            let view = DraftView::new(draft, &caller, now);
            Ok(Answer::created(format!("/v1/drafts/{id}"), &view)?.version(version))
        })
    })
    .await
}

/// List your drafts, newest first
///
/// Tickets that you began and did not submit. Nobody else sees them.
#[utoipa::path(
    tag = "drafts",
    params(PageQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of drafts", body = Page<TicketSummary>)),
)]
#[get("/drafts")]
pub async fn list_drafts(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    let page = query.request("drafts")?;
    db.read(move |conn| {
        let drafts = service::drafts(conn, &caller, &page)?;
        Answer::page(
            &drafts.map(|draft| TicketSummary::new(draft.row, &draft.workflow, &caller, now())),
        )
    })
    .await
}

/// Get a draft
///
/// Each step tells what is missing or does not fit, so that a wizard can show it.
#[utoipa::path(
    tag = "drafts",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The draft and its steps", body = DraftView)),
)]
#[get("/drafts/{id}")]
pub async fn get_draft(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    db.read(move |conn| {
        let now = now();
        shown(service::draft(conn, &caller, id.0, now)?, &caller, now)
    })
    .await
}

/// Save a step of a draft
///
/// What is absent stays; null clears. What does not fit yet is saved all the same and told with its step; only what does not
/// exist at all is refused. Make it an autosave: it costs little, and no event tells of it.
#[utoipa::path(
    tag = "drafts",
    params(("id" = TicketId, Path), IfMatch),
    request_body(content = ChangeTicket, example = json!({"description": "After 100 rows."})),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The draft and its steps", body = DraftView)),
)]
#[patch("/drafts/{id}")]
pub async fn change_draft(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<ChangeTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let change = body.into_inner().into();
    db.quiet_tx(move |conn| {
        let now = now();
        shown(service::change_draft(conn, &caller, id.0, seen, change, now)?, &caller, now)
    })
    .await
}

/// Discard a draft
///
/// It is gone for good, with what was attached to it.
#[utoipa::path(
    tag = "drafts",
    params(("id" = TicketId, Path), IfMatch),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 204, description = "Discarded")),
)]
#[delete("/drafts/{id}")]
pub async fn discard_draft(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    db.quiet_tx(move |conn| service::discard(conn, &caller, id.0, seen)).await?;
    Ok(Answer::no_content())
}

/// Submit a draft from its wizard
///
/// Checked as a whole: the answer names each field that is missing or does not fit. Otherwise it is a ticket from now on, under
/// the same id: routed and assigned as if it had just been opened.
#[utoipa::path(
    tag = "drafts",
    params(("id" = TicketId, Path), IfMatch),
    security(("client_credentials" = ["tickets:write"])),
    responses(
        (status = 200, description = "The ticket", body = TicketView),
        (status = 422, description = "Not complete", body = crate::http::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/drafts/{id}/submit")]
pub async fn submit_draft(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    db.tx(move |conn| {
        let now = now();
        let located = service::submit(conn, &caller, id.0, seen, now)?;
        answer(located, &caller, now)
    })
    .await
}
