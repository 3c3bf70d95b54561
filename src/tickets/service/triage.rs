//! Triage: how bad it is and how many it concerns decide how urgent it is.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::store::{self, Summary, Ticket};
use super::queue::{key, place};
use super::read::in_workflows;
use super::transition::{about, write_note};
use super::{InWorkflow, Told, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, Priority, TicketId};
use crate::notes::{NewNote, NoteVisibility};
use crate::triage::{self, Choice};
use crate::workflow::Category;

/// What triage found.
#[derive(Debug, Clone)]
pub struct Triage {
    /// 1 (worst) to 4.
    pub severity: i16,
    /// 1 (most) to 4.
    pub impact: i16,
    pub priority: Choice,
    pub note: Option<NewNote>,
}

/// Sets severity and impact, and the priority that follows from them. A priority that somebody chose by hand is kept unless
/// it is given back to the matrix.
pub fn triage(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Triage,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut held = hold(conn, actor, id, seen)?;
    match held.ticket.category {
        Category::Draft => {
            return Err(AppError::conflict(
                "not_submitted",
                "a draft is triaged when it is submitted",
            ));
        }
        Category::Closed => {
            let detail = "a closed ticket is triaged when it is reopened";
            return Err(AppError::conflict("ticket_closed", detail));
        }
        _ => {}
    }
    let matrix = triage::matrix(conn)?.priorities.priority(wanted.severity, wanted.impact);
    let ticket = &mut held.ticket;
    (ticket.severity, ticket.impact) = (Some(wanted.severity), Some(wanted.impact));
    (ticket.priority, ticket.priority_manual) =
        triage::decide(wanted.priority, (ticket.priority, ticket.priority_manual), matrix);
    if held.ticket == held.before && wanted.note.is_none() {
        return Ok(held.unchanged());
    }
    let mut public = held.ticket.priority != held.before.priority;
    let mut data = json!({});
    if let Some(note) = wanted.note {
        public |= note.visibility == NoteVisibility::Public;
        data = about(&write_note(conn, actor, &mut held, note, now)?);
    }
    data["matrix_priority"] = json!(matrix);
    held.save(conn, actor, Told { kind: EventType::TicketTriaged, public, data }, now)
}

/// A page of the open tickets that nobody has triaged, most urgent and then oldest first.
pub fn triage_queue(
    conn: &mut PgConnection,
    actor: &Actor,
    page: &PageRequest,
) -> Result<Page<InWorkflow<Summary>>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::untriaged(conn, actor, place(page)?, page.backward(), page.fetch())?;
    Ok(page.page(in_workflows(conn, rows)?, |ticket| key(&ticket.row)))
}

/// How many tickets wait for triage, by priority.
pub fn triage_queue_counts(
    conn: &mut PgConnection,
    actor: &Actor,
) -> Result<Vec<(Priority, i64)>, AppError> {
    actor.require(Permission::TicketsWork)?;
    Ok(store::untriaged_counts(conn, actor)?)
}
