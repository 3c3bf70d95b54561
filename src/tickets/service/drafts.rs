//! Drafts: filled in step by step, seen by their author alone, and without events until they are submitted.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::super::rules::{Step, steps};
use super::super::store::{self, Summary, Ticket};
use super::change::{Change, change};
use super::open::incomplete;
use super::read::in_workflows;
use super::{Held, InWorkflow, get, hold};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, TicketId};
use crate::workflow::Category;

/// Drafts that an author has at the most.
const MOST: i64 = 100;
/// How long a draft that nobody touches is kept.
pub const DRAFTS_KEPT: TimeDelta = TimeDelta::days(90);
/// Drafts that are forgotten with one statement.
const CHUNK: i64 = 500;

const NOT_FOUND: AppError = AppError::NotFound("the draft");

/// A draft, and how far it is.
pub struct Draft {
    pub ticket: InWorkflow<Ticket>,
    pub steps: Vec<Step>,
}

/// Fails with `too_many_drafts` while the author has as many as there may be.
pub(super) fn refuse_too_many(conn: &mut PgConnection, actor: &Actor) -> Result<(), AppError> {
    store::lock_author(conn, actor.id)?;
    if store::count_drafts(conn, actor.id)? >= MOST {
        let detail = format!("you have {MOST} drafts; submit or discard one first");
        return Err(AppError::conflict("too_many_drafts", detail));
    }
    Ok(())
}

/// The caller's drafts, newest first.
pub fn drafts(
    conn: &mut PgConnection,
    actor: &Actor,
    page: &PageRequest,
) -> Result<Page<InWorkflow<Summary>>, AppError> {
    actor.require(Permission::TicketsRead)?;
    let after = page.cursor.as_ref().map(|cursor| cursor.id);
    let rows = store::drafts(conn, actor.id, after, page.backward(), page.fetch())?;
    let drafts = in_workflows(conn, rows)?;
    Ok(page.page(drafts, |draft| (Value::Null, draft.row.id.0)))
}

/// A draft of the caller.
pub fn draft(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    now: DateTime<Utc>,
) -> Result<Draft, AppError> {
    let ticket = get(conn, actor, id)?;
    if ticket.row.category != Category::Draft {
        return Err(NOT_FOUND);
    }
    assess(conn, ticket, now)
}

/// How far a draft is.
pub fn assess(
    conn: &mut PgConnection,
    ticket: InWorkflow<Ticket>,
    now: DateTime<Utc>,
) -> Result<Draft, AppError> {
    let errors = incomplete(conn, &ticket.row)?;
    let steps = steps(&ticket.row, &errors, now);
    Ok(Draft { ticket, steps })
}

/// Saves what was filled in, complete or not, and tells how far the draft is.
pub fn change_draft(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Change,
    now: DateTime<Utc>,
) -> Result<Draft, AppError> {
    actor.require(Permission::TicketsWrite)?;
    let ticket = change(conn, actor, id, seen, wanted, now)?;
    if ticket.row.category != Category::Draft {
        return Err(NOT_FOUND);
    }
    assess(conn, ticket, now)
}

/// Removes a draft: nothing of it stays.
pub fn discard(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
) -> Result<(), AppError> {
    actor.require(Permission::TicketsWrite)?;
    let held = hold(conn, actor, id, seen)?;
    if !held.is_draft() {
        return Err(NOT_FOUND);
    }
    discard_held(conn, held)?;
    Ok(())
}

pub(super) fn discard_held(
    conn: &mut PgConnection,
    held: Held,
) -> Result<InWorkflow<Ticket>, AppError> {
    store::delete_draft(conn, held.ticket.id)?;
    Ok(held.unchanged())
}

/// Forgets some of the drafts, of tickets and of replies, that nobody has touched for [`DRAFTS_KEPT`]; true when there may
/// be more.
pub fn forget_drafts(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let before = now - DRAFTS_KEPT;
    let tickets = store::delete_abandoned(conn, before, CHUNK)?;
    let replies = store::delete_old_reply_drafts(conn, before, CHUNK)?;
    Ok(usize::try_from(CHUNK).is_ok_and(|chunk| tickets == chunk || replies == chunk))
}
