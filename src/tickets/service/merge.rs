//! Merge a ticket into another one, and undo that.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::{await_reply, check_merge, enter, merged_into};
use super::super::store::{self, Silence, Ticket};
use super::read::conversation;
use super::transition::{about, reassign, with, write_note};
use super::watchers::check_joint;
use super::{Held, InWorkflow, Told, held, hold_merged, hold_pair, refuse_merged};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::notes::{Channel, NewNote, Note};
use crate::workflow::{Category, Trigger};

/// Into which ticket, and why.
#[derive(Debug, Clone)]
pub struct Merge {
    pub into: TicketId,
    /// Written on the ticket that is merged; an internal one that names the other when it is `None`.
    pub note: Option<NewNote>,
}

/// Closes the ticket and joins its conversation and its watchers to the other one's. Both are locked, and neither was merged before: so no
/// circle can come about, whoever merges what at the same time.
pub fn merge(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Merge,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let [mut source, mut target] = hold_pair(conn, actor, [id, wanted.into], "/into")?;
    seen.check(source.ticket.version)?;
    refuse_merged(conn, &source.ticket)?;
    refuse_merged(conn, &target.ticket)?;
    check_merge(&source.ticket, &target.ticket)?;
    let before = store::Merge {
        ticket_id: id,
        status: source.ticket.status.clone(),
        resolution: source.ticket.resolution.clone(),
        closed_at: source.ticket.closed_at,
        followed: false,
    };
    store::insert_merge(conn, &before)?;
    let text = merged_into(&target.ticket);
    close(&mut source, &text, now)?;
    // What its process has yet to do goes on with the target.
    source.override_reason = Some(text.clone());
    let joint = [conversation(conn, &source.ticket)?, conversation(conn, &target.ticket)?];
    check_joint(conn, &joint.concat())?;
    source.ticket.merged_into = Some(target.ticket.id);
    target.ticket.merged_count += 1;
    let note = wanted.note.unwrap_or_else(|| NewNote::internal(Channel::Api, text));
    let note = write_note(conn, actor, &mut source, note, now)?;
    tell(conn, actor, [source, target], EventType::TicketMerged, &note, now)
}

/// By the shortest way to an end that the workflow has, whatever a solution would require: this is none. What it would do
/// by itself from there stops.
fn close(source: &mut Held, resolution: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    let ticket = &mut source.ticket;
    if ticket.category != Category::Closed {
        let closed = source.workflow.nearest_closed(&ticket.status);
        let closed = closed.ok_or_else(|| missing("a closed status"))?;
        enter(ticket, &source.workflow, closed, now);
        ticket.resolution = Some(resolution.to_owned());
    }
    ticket.automatic_at = None;
    ticket.silence = Silence::default();
    Ok(())
}

fn missing(what: &str) -> AppError {
    AppError::Internal(anyhow::anyhow!("the workflow lacks {what}"))
}

/// Each of the two gets a version and an event; returns the first.
fn tell(
    conn: &mut PgConnection,
    actor: &Actor,
    [source, target]: [Held; 2],
    kind: EventType,
    note: &Note,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let named = |held: &Held| json!({ "id": held.ticket.id, "number": held.ticket.number });
    let both = json!({ "source": named(&source), "target": named(&target) });
    let data = with(about(note), &both);
    target.save(conn, actor, Told { kind, public: false, data: both }, now)?;
    source.save(conn, actor, Told { kind, public: true, data }, now)
}

/// Gives the ticket back the status that it had, as long as nothing was sent to it since. Nothing else can have changed:
/// a merged ticket refuses everything. It goes back to its agent like any that is opened again.
pub fn undo_merge(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut source = hold_merged(conn, actor, id, seen)?;
    let Some(into) = source.ticket.merged_into else {
        return Err(AppError::conflict("not_merged", "the ticket is not merged"));
    };
    let target = store::lock_any(conn, into)?;
    let mut target = held(conn, target)?;
    let before = store::merge(conn, id)?;
    if before.followed {
        let detail = "something was sent to the ticket since, and went on to the other one";
        return Err(AppError::conflict("merge_followed", detail));
    }
    store::delete_merge(conn, id)?;
    source.ticket.merged_into = None;
    target.ticket.merged_count -= 1;
    put_back(&mut source, before, now)?;
    if source.ticket.category.is_open() && source.ticket.assignee_id.is_some() {
        reassign(conn, actor, &mut source, now)?;
    }
    let text = format!("The merge into CB-{} was undone", target.ticket.number);
    let note = write_note(conn, actor, &mut source, NewNote::internal(Channel::Api, text), now)?;
    tell(conn, actor, [source, target], EventType::TicketMergeUndone, &note, now)
}

/// The status that it had, or where the workflow begins if an administrator took that away meanwhile. Nobody reopened
/// the ticket, so it is not counted.
fn put_back(source: &mut Held, before: store::Merge, now: DateTime<Utc>) -> Result<(), AppError> {
    let workflow = &source.workflow;
    let status = workflow.status(&before.status);
    let status = status.or_else(|| workflow.status(&workflow.submitted_status));
    let status = status.ok_or_else(|| missing("its first status"))?;
    let ticket = &mut source.ticket;
    ticket.status.clone_from(&status.code);
    ticket.category = status.category;
    ticket.resolution = before.resolution;
    ticket.closed_at = before.closed_at;
    let automatic = workflow.on(&status.code, Trigger::Automatic, ticket.closed_at, now);
    ticket.automatic_at = automatic.map(|_| now);
    await_reply(ticket, workflow, now);
    Ok(())
}
