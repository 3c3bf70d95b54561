//! One operation on a ticket, to be done on many.
use chrono::{DateTime, Utc};
use diesel::{Connection as _, PgConnection};

use super::super::store::Ticket;
use super::{
    Assign, Change, InWorkflow, NewTicket, TagChange, Transfer, Transition, add_note, assign,
    change, change_tags, delete, hold, open, restore, transfer, transition,
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

/// A part of a batch.
#[derive(Debug, Clone)]
pub enum Work {
    Open(NewTicket),
    On(TicketId, IfMatch, Operation),
}

impl Work {
    /// Does it in a savepoint. The inner error is a refusal, of which nothing stays; the outer one is a failure of the service.
    pub fn attempt(
        self,
        conn: &mut PgConnection,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Result<InWorkflow<Ticket>, AppError>, AppError> {
        let done = conn.transaction(|conn| match self {
            Self::Open(new) => open(conn, actor, new, now),
            Self::On(id, seen, operation) => operation.perform(conn, actor, id, seen, now),
        });
        match done {
            Err(error) if error.status() >= 500 => Err(error),
            decided => Ok(decided),
        }
    }
}
