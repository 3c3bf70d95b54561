//! What somebody has begun to reply: it is saved as they write, and nobody else sees it.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::store::{self, ReplyDraft};
use super::{get, refuse_draft};
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::notes::NoteVisibility;

const NONE: AppError = AppError::NotFound("a reply that you have begun");

/// The caller's own.
pub fn reply_draft(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<ReplyDraft, AppError> {
    actor.require(Permission::TicketsWrite)?;
    get(conn, actor, id)?;
    store::reply_draft(conn, id, actor.id)?.ok_or(NONE)
}

/// Saves it over the one before. No event tells of it.
pub fn save_reply_draft(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    visibility: NoteVisibility,
    body: String,
    now: DateTime<Utc>,
) -> Result<ReplyDraft, AppError> {
    actor.require(Permission::TicketsWrite)?;
    if visibility == NoteVisibility::Internal {
        actor.require(Permission::TicketsWork)?;
    }
    refuse_draft(&get(conn, actor, id)?.row)?;
    let draft =
        ReplyDraft { ticket_id: id, author_id: actor.id, visibility, body, updated_at: now };
    store::save_reply_draft(conn, &draft)?;
    Ok(draft)
}

/// What the caller had begun is sent.
pub fn forget_reply_draft(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<(), AppError> {
    store::delete_reply_draft(conn, id, actor.id)?;
    Ok(())
}

/// Forgets it; once more does nothing.
pub fn discard_reply_draft(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<(), AppError> {
    actor.require(Permission::TicketsWrite)?;
    get(conn, actor, id)?;
    forget_reply_draft(conn, actor, id)
}
