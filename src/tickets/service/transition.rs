//! Move a ticket through its workflow.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::rules::{Actions, enter, not_allowed, refused, window_over};
use super::super::store::Ticket;
use super::assign::need;
use super::{Held, Placed, Told, hold};
use crate::assignment::{self, Previous};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::notes::{self, NewNote, Note, NoteVisibility};
use crate::workflow::{Category, Refusal, Requirement, Trigger};

/// Where to, with what the transition requires.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The code of the status.
    pub to: String,
    pub note: Option<NewNote>,
    pub resolution: Option<String>,
    pub vendor_reference: Option<String>,
}

/// Does a transition that the workflow allows this caller now.
pub fn transition(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Transition,
    now: DateTime<Utc>,
) -> Result<Placed<Ticket>, AppError> {
    actor.require(Permission::TicketsWrite)?;
    let mut held = hold(conn, actor, id, seen)?;
    let allowed = Actions::allowed(&held.workflow, &held.ticket, actor, now);
    if !allowed.iter().any(|transition| transition.to == wanted.to) {
        return Err(refusal(&held, &wanted, actor, now));
    }
    let given = given(&held.ticket, &wanted);
    let (from, closed_at) = (&held.ticket.status, held.ticket.closed_at);
    held.workflow
        .decide(from, &wanted.to, Trigger::Agent, &given, closed_at, now)
        .map_err(|refusal| refused(refusal, &wanted.to, &allowed))?;
    if wanted.resolution.is_some() {
        held.ticket.resolution.clone_from(&wanted.resolution);
    }
    if wanted.vendor_reference.is_some() {
        held.ticket.vendor_reference.clone_from(&wanted.vendor_reference);
    }
    let was_closed = held.ticket.category == Category::Closed;
    move_to(&mut held, &wanted.to, now)?;
    if was_closed && held.ticket.category.is_open() {
        reassign(conn, actor, &mut held, now)?;
    }
    follow_assignment(conn, actor, &mut held, now)?;
    let mut data = json!({});
    if let Some(note) = wanted.note {
        data = about(&write_note(conn, actor, &mut held, note, now)?);
    }
    let told = Told { kind: EventType::TicketStatusChanged, public: true, data };
    held.save(conn, actor, told, now)
}

/// Why the caller may not: the window is over, or there is no such way from here.
fn refusal(held: &Held, wanted: &Transition, actor: &Actor, now: DateTime<Utc>) -> AppError {
    let given = Requirement::ALL;
    let ticket = &held.ticket;
    let decided = held.workflow.decide(
        &ticket.status,
        &wanted.to,
        Trigger::Agent,
        given,
        ticket.closed_at,
        now,
    );
    let allowed = Actions::allowed(&held.workflow, ticket, actor, now);
    match decided {
        Err(Refusal::WindowOver) => window_over(),
        _ => not_allowed(&wanted.to, &allowed),
    }
}

fn given(ticket: &Ticket, wanted: &Transition) -> Vec<Requirement> {
    let note = wanted.note.as_ref().map(|note| match note.visibility {
        NoteVisibility::Public => Requirement::PublicNote,
        NoteVisibility::Internal => Requirement::InternalNote,
    });
    let vendor = wanted.vendor_reference.is_some() || ticket.vendor_reference.is_some();
    let resolution = wanted.resolution.is_some().then_some(Requirement::Resolution);
    let vendor = vendor.then_some(Requirement::VendorReference);
    note.into_iter().chain(resolution).chain(vendor).collect()
}

/// Puts the held ticket into the status with this code.
pub(super) fn move_to(held: &mut Held, code: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    let unknown = || AppError::Internal(anyhow::anyhow!("the workflow has no status {code}"));
    let status = held.workflow.status(code).ok_or_else(unknown)?;
    enter(&mut held.ticket, &held.workflow, status, now);
    Ok(())
}

/// A status that waits for an assignment: gives the ticket to somebody if nobody has it, and goes on.
pub(super) fn follow_assignment(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let next =
        held.workflow.on(&held.ticket.status, Trigger::Assignment, held.ticket.closed_at, now);
    let Some(next) = next.map(|transition| transition.to.clone()) else { return Ok(()) };
    if held.ticket.assignee_id.is_none() {
        reassign(conn, actor, held, now)?;
    }
    if held.ticket.assignee_id.is_some() {
        move_to(held, &next, now)?;
    }
    Ok(())
}

/// Back to its agent if they may and can, else to the least loaded.
pub(super) fn reassign(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let previous = held.ticket.assignee_id;
    let decision = assignment::keep_or_pick(conn, &need(&held.ticket), previous, now)?;
    if decision.agent != previous || previous.is_none() {
        let about = Previous { ticket: held.ticket.id, agent: previous };
        assignment::record(conn, actor, about, &decision, None, now)?;
    }
    held.ticket.assignee_id = decision.agent;
    Ok(())
}

/// Adds the next note to the held ticket.
pub(super) fn write_note(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    note: NewNote,
    now: DateTime<Utc>,
) -> Result<Note, AppError> {
    if actor.is_contact() && note.visibility == NoteVisibility::Internal {
        return Err(AppError::field("/note/visibility", "a contact writes public notes only"));
    }
    held.ticket.note_count += 1;
    Ok(notes::insert(conn, actor, held.ticket.id, held.ticket.note_count, note, now)?)
}

/// What an event says of the note that came with it.
pub(super) fn about(note: &Note) -> Value {
    json!({ "note_id": note.id, "note_seq": note.seq, "note_visibility": note.visibility })
}

/// Adding notes needs the desk's permission unless they are replies.
pub(super) fn may_write(actor: &Actor, note: &NewNote) -> Result<(), AppError> {
    actor.require(match note.visibility {
        NoteVisibility::Public => Permission::TicketsWrite,
        NoteVisibility::Internal => Permission::TicketsWork,
    })
}
