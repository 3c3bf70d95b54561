//! Replies that are being written, and whom they can mention.
use actix_web::{delete, get, put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::service;
use super::super::store::ReplyDraft;
use super::notes::public;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Params, PathId, now};
use crate::kernel::{AppError, PAGE_MAX, Permission, TicketId, rfc3339};
use crate::notes::NoteVisibility;
use crate::people::Colleague;

/// What you have written so far.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveReplyDraft {
    /// What it is going to be; `public` when absent.
    #[garde(skip)]
    #[serde(default = "public")]
    visibility: NoteVisibility,
    /// It may be empty still.
    #[garde(length(chars, max = 60_000))]
    #[schema(example = "The export works ag")]
    body: String,
}

/// A reply that you have begun and not sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplyDraftView {
    ticket_id: TicketId,
    visibility: NoteVisibility,
    #[schema(example = "The export works ag")]
    body: String,
    #[serde(serialize_with = "rfc3339::serialize")]
    updated_at: DateTime<Utc>,
}

impl From<ReplyDraft> for ReplyDraftView {
    fn from(draft: ReplyDraft) -> Self {
        let ReplyDraft { ticket_id, visibility, body, updated_at, .. } = draft;
        Self { ticket_id, visibility, body, updated_at }
    }
}

/// Get the reply that you have begun
///
/// Nobody else sees it; 404 when there is none.
#[utoipa::path(
    tag = "notes",
    params(("id" = TicketId, Path)),
    security(
        ("client_credentials" = ["tickets:read", "tickets:write"]),
    ),
    responses((status = 200, description = "The draft", body = ReplyDraftView)),
)]
#[get("/tickets/{id}/reply-draft")]
pub async fn get_reply_draft(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let draft = db.read(move |conn| service::reply_draft(conn, &caller, id.0)).await?;
    Answer::ok(&ReplyDraftView::from(draft))
}

/// Save the reply that you have begun
///
/// Make it an autosave: the last call counts, it costs little, and no event tells of it. There is one for each ticket and
/// author, and one that is not touched for 90 days is forgotten. Send it with `POST /v1/tickets/{id}/notes` and
/// `discard_draft`.
#[utoipa::path(
    tag = "notes",
    params(("id" = TicketId, Path)),
    request_body = SaveReplyDraft,
    security(
        ("client_credentials" = ["tickets:read", "tickets:write"]),
    ),
    responses((status = 200, description = "The draft as it is now", body = ReplyDraftView)),
)]
#[put("/tickets/{id}/reply-draft")]
pub async fn save_reply_draft(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    body: Body<SaveReplyDraft>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let SaveReplyDraft { visibility, body } = body.into_inner();
    let save =
        move |conn: &mut _| service::save_reply_draft(conn, &caller, id.0, visibility, body, now());
    Answer::ok(&ReplyDraftView::from(db.quiet_tx(save).await?))
}

/// Discard the reply that you have begun
///
/// Once more does nothing.
#[utoipa::path(
    tag = "notes",
    params(("id" = TicketId, Path)),
    security(
        ("client_credentials" = ["tickets:read", "tickets:write"]),
    ),
    responses((status = 204, description = "There is none")),
)]
#[delete("/tickets/{id}/reply-draft")]
pub async fn discard_reply_draft(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    db.quiet_tx(move |conn| service::discard_reply_draft(conn, &caller, id.0)).await?;
    Ok(Answer::no_content())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MentionableQuery {
    /// Part of the name or the e-mail address, without regard to case.
    #[param(example = "agent")]
    #[serde(default)]
    q: String,
    /// Agents at the most; 10 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
}

/// Agents who can be mentioned.
#[derive(Debug, Serialize, ToSchema)]
pub struct MentionableView {
    items: Vec<Colleague>,
}

/// Find whom a note can mention
///
/// The agents who may see the ticket, by name. Write `@[L1 agent A](agent:<id>)` into a note to mention one: the event of the
/// note names them in `mentions`, and they are told. Whoever may not see the ticket is not told.
#[utoipa::path(
    tag = "notes",
    params(("id" = TicketId, Path), MentionableQuery),
    security(
        ("client_credentials" = ["tickets:read", "tickets:work"]),
    ),
    responses((status = 200, description = "The agents", body = MentionableView)),
)]
#[get("/tickets/{id}/mentionable-agents")]
pub async fn list_mentionable_agents(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<MentionableQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let limit = query.limit.unwrap_or(10).min(PAGE_MAX);
    if limit < 1 {
        return Err(AppError::Malformed("limit must be at least 1".into()));
    }
    let items =
        db.read(move |conn| service::mentionable(conn, &caller, id.0, &query.q, limit)).await?;
    Answer::ok(&MentionableView { items })
}
