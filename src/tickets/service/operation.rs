//! One operation on a ticket, to be done on many.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::store::Ticket;
use super::{
    Assign, Change, InWorkflow, TagChange, Transfer, Transition, add_note, assign, change,
    change_tags, delete, hold, restore, transfer, transition,
};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, TicketId};
use crate::notes::NewNote;

/// What is to be done with a ticket.
#[derive(Debug, Clone)]
pub enum Operation {
    Change(Change),
    Transition(Transition),
    Assign(Assign),
    Transfer(Transfer),
    Note(NewNote),
    Tags(TagChange),
    Delete,
    Restore,
}

impl Operation {
    /// Does it as the operation of that name does; returns the ticket as it is then.
    pub fn perform(
        self,
        conn: &mut PgConnection,
        actor: &Actor,
        id: TicketId,
        seen: IfMatch,
        now: DateTime<Utc>,
    ) -> Result<InWorkflow<Ticket>, AppError> {
        match self {
            Self::Change(wanted) => change(conn, actor, id, seen, wanted, now),
            Self::Transition(wanted) => transition(conn, actor, id, seen, wanted, now),
            Self::Assign(wanted) => assign(conn, actor, id, seen, wanted, now),
            Self::Transfer(wanted) => transfer(conn, actor, id, seen, wanted, now),
            Self::Tags(wanted) => change_tags(conn, actor, id, seen, &wanted, now),
            Self::Note(note) => {
                // A note needs no version, but one that was given is held to.
                if seen.0.is_some() {
                    hold(conn, actor, id, seen)?;
                }
                Ok(add_note(conn, actor, id, note, now)?.1)
            }
            Self::Delete => delete(conn, actor, id, seen, now),
            Self::Restore => restore(conn, actor, id, seen, now),
        }
    }
}
