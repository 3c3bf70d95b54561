//! Use cases. Each runs inside one transaction and reads as: lock, decide, write, tell.
mod assign;
mod attach;
mod change;
mod conversation;
mod convert;
mod customer;
mod delete;
mod drafts;
mod due;
mod elevate;
mod handover;
mod happen;
mod links;
mod matrix;
mod mentions;
mod merge;
mod open;
mod operation;
mod process;
mod queue;
mod read;
mod redact;
mod reply_drafts;
mod search;
mod silence;
mod split;
mod status_move;
mod tags;
mod transition;
mod triage;
mod watchers;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

pub use super::store::Filter;
use super::store::{self, Located, Ticket};
use crate::events::{self, EventType, NewEvent, Subject};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, TicketId};
use crate::workflow::{self, Category, Workflow};

pub use assign::{Assign, Target, Transfer, assign, dry_run, transfer};
pub use attach::{attach, attach_file, attachment, attachments, linked_attachment, may_attach};
pub use change::{Change, change, submit};
pub use conversation::{Replied, add_note, participates, reply, thank};
pub use convert::{Convert, NewLead, NewWorkOrder, Wanted, conversion, convert, converted, leads};
pub use customer::{Customer, CustomersTickets, customers_tickets};
pub use delete::{delete, restore};
pub use drafts::{DRAFTS_KEPT, Draft, assess, change_draft, discard, draft, drafts, forget_drafts};
pub use due::follow_automatic_transition;
pub use elevate::{Elevate, elevate, elevations};
pub use handover::{HandOver, hand_over};
use happen::cancel_appointments;
pub use happen::{
    Happening, happen, happen_in_conversation, happen_on, happen_wherever, take_missed_deadlines,
};
pub use links::{Linked, NewLink, find_link, link, links, tell_child, unlink};
pub use matrix::{
    Difference, MATRIX_JOB, apply_matrix, matrix_difference, matrix_job_step, replace_matrix,
};
pub use mentions::mentionable;
pub use merge::{Merge, merge, undo_merge};
pub use open::{NewTicket, open};
pub use operation::{Operation, Work};
use process::guard_closing;
pub use process::{Marking, TicketProcess, asks_for, mark_step, process};
pub use queue::{Waiting, WouldOpen, assign_waiting, preview, queue};
pub use read::{
    COUNTED_MAX, conversation, count, counts, get, history, ids, list, note, notes, selection,
};
pub use redact::{Redact, Redacted, redact, redactions};
pub use reply_drafts::{discard_reply_draft, forget_reply_draft, reply_draft, save_reply_draft};
pub use search::{Found, Highlight, Place, RANKED_MAX, search};
pub use silence::{Heeded, Reminded, heed_silence};
pub use split::{Split, split};
pub use status_move::{MOVE_STATUS, StatusMove, move_some, start_move};
pub use tags::{TagChange, change_tags, tags};
pub use transition::{Transition, transition, way_into};
pub use triage::{Triage, triage, triage_queue, triage_queue_counts};
pub use watchers::{unwatch, watch, watchers};

const NOT_FOUND: AppError = AppError::NotFound("the ticket");

/// A ticket that this transaction holds, with its workflow.
pub struct Held {
    pub before: Ticket,
    pub ticket: Ticket,
    pub workflow: Arc<Workflow>,
    /// Why the ticket may be closed although steps of its process are open.
    pub override_reason: Option<String>,
}

/// Locks the ticket, if the caller may see it and has seen its present version. A deleted one is restored first, and of a
/// merged one the merge is undone first.
fn hold(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
) -> Result<Held, AppError> {
    let held = hold_merged(conn, actor, id, seen)?;
    refuse_merged(conn, &held.ticket)?;
    Ok(held)
}

/// The same, whether it is merged or not.
fn hold_merged(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
) -> Result<Held, AppError> {
    let held = hold_deleted(conn, actor, id, seen)?;
    refuse_deleted(&held.ticket)?;
    Ok(held)
}

fn refuse_deleted(ticket: &Ticket) -> Result<(), AppError> {
    if ticket.deleted_at.is_some() {
        let detail = "the ticket is deleted; restore it first";
        return Err(AppError::conflict("ticket_deleted", detail));
    }
    Ok(())
}

fn refuse_merged(conn: &mut PgConnection, ticket: &Ticket) -> Result<(), AppError> {
    let Some(into) = ticket.merged_into else { return Ok(()) };
    let detail = format!("the ticket was merged into CB-{}", store::number(conn, into)?);
    Err(AppError::conflict("ticket_merged", detail))
}

/// The same, whether it is merged or deleted or not.
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
    let Located { row, .. } = located;
    Ok(Held { before: row.clone(), ticket: row, workflow, override_reason: None })
}

/// A ticket that this transaction has written, to be changed once more.
fn hold_again(ticket: InWorkflow<Ticket>) -> Held {
    let InWorkflow { row, workflow } = ticket;
    Held { before: row.clone(), ticket: row, workflow, override_reason: None }
}

/// Locks a ticket and another one that the caller names by `pointer`; neither may be a draft.
fn hold_pair(
    conn: &mut PgConnection,
    actor: &Actor,
    [id, other]: [TicketId; 2],
    pointer: &str,
) -> Result<[Held; 2], AppError> {
    let wrong = |detail: &str| AppError::field(pointer, detail);
    let mut rows = store::lock_pair(conn, actor, [id, other])?;
    let at = rows.iter().position(|located| located.row.id == id).ok_or(NOT_FOUND)?;
    let first = held(conn, rows.swap_remove(at))?;
    refuse_deleted(&first.ticket)?;
    refuse_draft(&first.ticket)?;
    if id == other {
        return Err(wrong("this is the same ticket"));
    }
    let second = rows.pop().ok_or_else(|| wrong("there is no such ticket"))?;
    if second.row.category == Category::Draft || second.row.deleted_at.is_some() {
        return Err(wrong("the ticket is a draft or deleted"));
    }
    Ok([first, held(conn, second)?])
}

fn refuse_draft(ticket: &Ticket) -> Result<(), AppError> {
    if ticket.category == Category::Draft {
        return Err(AppError::conflict("not_submitted", "the ticket is a draft; submit it first"));
    }
    Ok(())
}

/// A ticket and the workflow that it follows: what is shown of it depends on both.
#[derive(Debug, Clone)]
pub struct InWorkflow<T> {
    pub row: T,
    pub workflow: Arc<Workflow>,
}

fn is_closed(ticket: &Ticket) -> bool {
    ticket.category == Category::Closed
}

fn has_ended(ticket: &Ticket) -> bool {
    is_closed(ticket) || ticket.deleted_at.is_some()
}

/// What is told about a change.
struct Told {
    kind: EventType,
    public: bool,
    data: Value,
}

impl Held {
    /// Writes what changed as the ticket's next version, with its one event. A draft has none: the log begins with its
    /// submission, whose event says everything that the ticket has. Whatever closes a ticket is held to its process here; with
    /// a ticket that ends, its appointments do.
    fn save(
        mut self,
        conn: &mut PgConnection,
        actor: &Actor,
        mut told: Told,
        now: DateTime<Utc>,
    ) -> Result<InWorkflow<Ticket>, AppError> {
        if !is_closed(&self.before) && is_closed(&self.ticket) {
            let reason = self.override_reason.as_deref();
            if let Some(left) = guard_closing(conn, actor, &self.ticket, reason)? {
                told.data["process"] = left;
            }
        }
        self.ticket.version += 1;
        if self.ticket.assignee_id.is_some() {
            self.ticket.handed_over_by = None;
        }
        self.ticket.updated_at = now;
        store::save(conn, &self.ticket)?;
        if self.is_draft() {
            return Ok(self.unchanged());
        }
        let changes = match self.before.category {
            Category::Draft => events::diff(&json!({}), &json!(self.ticket)),
            _ => events::diff(&self.before, &self.ticket),
        };
        let event = NewEvent {
            kind: told.kind,
            subject: Subject::Ticket(self.ticket.id, self.ticket.version),
            public: told.public,
            changes,
            data: told.data,
            occurred_at: now,
        };
        events::append(conn, actor, event)?;
        if !has_ended(&self.before) && has_ended(&self.ticket) {
            cancel_appointments(conn, actor, &mut self.ticket, now)?;
        }
        Ok(self.unchanged())
    }

    fn is_draft(&self) -> bool {
        self.ticket.category == Category::Draft
    }

    /// The ticket as it is, when there is nothing to write.
    fn unchanged(self) -> InWorkflow<Ticket> {
        InWorkflow { row: self.ticket, workflow: self.workflow }
    }
}
