//! Use cases. Each runs inside one transaction and reads as: lock, decide, write, tell.
mod assign;
mod attach;
mod change;
mod conversation;
mod convert;
mod customer;
mod delete;
mod due;
mod open;
mod read;
mod search;
mod transition;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::store::{self, Located, Ticket};
use crate::events::{self, EventType, NewEvent, Subject};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, TicketId};
use crate::workflow::{self, Workflow};

pub use assign::{Assign, Elevate, Target, Transfer, assign, dry_run, elevate, transfer};
pub use attach::{attach, attachments};
pub use change::{Change, change, submit};
pub use conversation::add_note;
pub use convert::{NewLead, conversion, convert, converted};
pub use customer::{Customer, CustomersTickets, customers_tickets};
pub use delete::{delete, restore};
pub use due::{assign_waiting, follow_automatic_transition};
pub use open::{NewTicket, open};
pub use read::{COUNTED_MAX, count, counts, elevations, get, history, list, note, notes};
pub use search::{Found, Highlight, Place, RANKED_MAX, search};
pub use transition::{Transition, transition};

const NOT_FOUND: AppError = AppError::NotFound("the ticket");

/// A ticket that this transaction holds, with its workflow.
pub struct Held {
    pub before: Ticket,
    pub ticket: Ticket,
    pub workflow: Arc<Workflow>,
}

/// Locks the ticket, if the caller may see it and has seen its present version. A deleted one is restored first.
fn hold(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
) -> Result<Held, AppError> {
    let held = hold_deleted(conn, actor, id, seen)?;
    if held.ticket.deleted_at.is_some() {
        return Err(AppError::conflict(
            "ticket_deleted",
            "the ticket is deleted; restore it first",
        ));
    }
    Ok(held)
}

/// The same, whether it is deleted or not.
fn hold_deleted(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
) -> Result<Held, AppError> {
    let located = store::lock(conn, actor, id)?.ok_or(NOT_FOUND)?;
    seen.check(located.row.version)?;
    held(conn, located)
}

fn held(conn: &mut PgConnection, located: Located<Ticket>) -> Result<Held, AppError> {
    let workflow = workflow::load(conn, located.row.workflow_id, located.revision)?;
    Ok(Held { before: located.row.clone(), ticket: located.row, workflow })
}

/// A ticket and the workflow that it follows: what is shown of it depends on both.
#[derive(Debug, Clone)]
pub struct InWorkflow<T> {
    pub row: T,
    pub workflow: Arc<Workflow>,
}

/// What is told about a change.
struct Told {
    kind: EventType,
    public: bool,
    data: Value,
}

impl Held {
    /// Writes what changed as the ticket's next version, with its one event.
    fn save(
        mut self,
        conn: &mut PgConnection,
        actor: &Actor,
        told: Told,
        now: DateTime<Utc>,
    ) -> Result<InWorkflow<Ticket>, AppError> {
        self.ticket.version += 1;
        self.ticket.updated_at = now;
        store::save(conn, &self.ticket)?;
        let event = NewEvent {
            kind: told.kind,
            subject: Subject::Ticket(self.ticket.id, self.ticket.version),
            public: told.public,
            changes: events::diff(&self.before, &self.ticket),
            data: told.data,
            occurred_at: now,
        };
        events::append(conn, actor, event)?;
        Ok(self.unchanged())
    }

    /// The ticket as it is, when there is nothing to write.
    fn unchanged(self) -> InWorkflow<Ticket> {
        InWorkflow { row: self.ticket, workflow: self.workflow }
    }
}
