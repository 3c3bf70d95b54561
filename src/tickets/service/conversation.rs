//! Reply to a ticket, or note something on it.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::window_over;
use super::super::store::{self, Ticket};
use super::split::follow_up;
use super::transition::{about, follow_status, move_to, write_note};
use super::{Held, InWorkflow, Told, held, hold_merged, refuse_deleted, refuse_draft};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, ContactId, Permission, TicketId};
use crate::notes::{NewNote, Note, NoteVisibility};
use crate::workflow::{Category, Trigger};

/// What became of a reply.
#[derive(Debug)]
pub enum Replied {
    /// A note on this ticket.
    Noted(Box<(Note, InWorkflow<Ticket>)>),
    /// It came after the reopen window: a ticket of its own, linked to the closed one.
    FollowedUp { opened: Box<InWorkflow<Ticket>>, closed: TicketId },
}

/// Adds a note. A contact's reply moves the ticket as its workflow says; where the ticket was closed too long ago, it opens
/// another one. What is sent to a merged ticket goes to the one that it was merged into.
pub fn reply(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    note: NewNote,
    now: DateTime<Utc>,
) -> Result<Replied, AppError> {
    require(actor, &note)?;
    let held = hold_conversation(conn, actor, id)?;
    if comes_too_late(actor, &held, now) {
        let closed = held.ticket.id;
        let opened = Box::new(follow_up(conn, actor, held, note, now)?);
        return Ok(Replied::FollowedUp { opened, closed });
    }
    Ok(Replied::Noted(Box::new(write(conn, actor, held, note, now)?)))
}

/// As [`reply`], for one that says nothing that anybody has to act on: a closed ticket stays as it is, and the event tells `why`.
pub fn thank(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    note: NewNote,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Replied, AppError> {
    require(actor, &note)?;
    let mut held = hold_conversation(conn, actor, id)?;
    if held.ticket.category != Category::Closed {
        return Ok(Replied::Noted(Box::new(write(conn, actor, held, note, now)?)));
    }
    let public = note.visibility == NoteVisibility::Public;
    let note = write_note(conn, actor, &mut held, note, now)?;
    let mut data = about(&note);
    data["not_reopened"] = json!(why);
    let told = Told { kind: EventType::NoteAdded, public, data };
    Ok(Replied::Noted(Box::new((note, held.save(conn, actor, told, now)?))))
}

/// The ticket with this number, if this contact takes part in it: it is about them, they opened it, or they watch it.
pub fn participates(
    conn: &mut PgConnection,
    number: i64,
    contact: ContactId,
) -> Result<Option<TicketId>, AppError> {
    Ok(store::of_participant(conn, number, contact)?)
}

/// As [`reply`], for those who need a note: a contact's reply that comes too late is refused.
pub fn add_note(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    note: NewNote,
    now: DateTime<Utc>,
) -> Result<(Note, InWorkflow<Ticket>), AppError> {
    require(actor, &note)?;
    let held = hold_conversation(conn, actor, id)?;
    if comes_too_late(actor, &held, now) {
        return Err(window_over());
    }
    write(conn, actor, held, note, now)
}

fn require(actor: &Actor, note: &NewNote) -> Result<(), AppError> {
    actor.require(Permission::TicketsWrite)?;
    match note.visibility {
        NoteVisibility::Public => Ok(()),
        NoteVisibility::Internal => actor.require(Permission::TicketsWork),
    }
}

/// Locks the ticket on which the conversation goes on: this one, or the one at the end of its merges. Each is locked
/// before the one that it was merged into, so that no merge on the way is undone meanwhile.
pub(super) fn hold_conversation(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<Held, AppError> {
    let mut last = hold_merged(conn, actor, id, IfMatch(None))?;
    let mut passed = Vec::new();
    while let Some(next) = last.ticket.merged_into {
        passed.push(last.ticket.id);
        let next = store::lock_any(conn, next)?;
        last = held(conn, next)?;
    }
    if !passed.is_empty() {
        refuse_deleted(&last.ticket)?;
        store::follow_merges(conn, &passed)?;
    }
    refuse_draft(&last.ticket)?;
    Ok(last)
}

fn comes_too_late(actor: &Actor, held: &Held, now: DateTime<Utc>) -> bool {
    let ticket = &held.ticket;
    let reopens =
        || held.workflow.on(&ticket.status, Trigger::CustomerReply, ticket.closed_at, now);
    actor.is_contact() && ticket.category == Category::Closed && reopens().is_none()
}

fn write(
    conn: &mut PgConnection,
    actor: &Actor,
    mut held: Held,
    note: NewNote,
    now: DateTime<Utc>,
) -> Result<(Note, InWorkflow<Ticket>), AppError> {
    let public = note.visibility == NoteVisibility::Public;
    let note = write_note(conn, actor, &mut held, note, now)?;
    if actor.is_contact() {
        follow_reply(conn, actor, &mut held, now)?;
    }
    let told = Told { kind: EventType::NoteAdded, public, data: about(&note) };
    Ok((note, held.save(conn, actor, told, now)?))
}

fn follow_reply(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let closed = held.ticket.category == Category::Closed;
    let next =
        held.workflow.on(&held.ticket.status, Trigger::CustomerReply, held.ticket.closed_at, now);
    let Some(to) = next.map(|transition| transition.to.clone()) else { return Ok(()) };
    move_to(held, &to, now)?;
    follow_status(conn, actor, held, closed, now)
}
