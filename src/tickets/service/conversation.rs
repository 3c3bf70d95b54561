//! Reply to a ticket, or note something on it.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::rules::window_over;
use super::super::store::Ticket;
use super::transition::{about, follow_status, move_to, write_note};
use super::{Held, InWorkflow, Told, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::notes::{NewNote, Note, NoteVisibility};
use crate::workflow::{Category, Trigger};

/// Adds a note. A contact's reply moves the ticket as its workflow says; on a ticket that was closed too long
/// ago it is refused.
pub fn add_note(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    note: NewNote,
    now: DateTime<Utc>,
) -> Result<(Note, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWrite)?;
    let mut held = hold(conn, actor, id, IfMatch(None))?;
    if held.ticket.category == Category::Draft {
        return Err(AppError::conflict(
            "not_submitted",
            "a draft has no conversation; submit it first",
        ));
    }
    let public = note.visibility == NoteVisibility::Public;
    let replied = actor.is_contact();
    let note = write_note(conn, actor, &mut held, note, now)?;
    if replied {
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
    match next.map(|transition| transition.to.clone()) {
        Some(to) => {
            move_to(held, &to, now)?;
            follow_status(conn, actor, held, closed, now)
        }
        None if closed => Err(window_over()),
        None => Ok(()),
    }
}
