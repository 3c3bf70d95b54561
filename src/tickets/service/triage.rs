//! Triage: how bad it is and how many it concerns decide how urgent it is.
use std::sync::Arc;

use chrono::{DateTime, TimeZone as _, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::store::{self, Located, QueueKey, Summary, Ticket};
use super::transition::{about, write_note};
use super::{InWorkflow, Told, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, Priority, TicketId};
use crate::notes::{NewNote, NoteVisibility};
use crate::triage::{self, Choice};
use crate::workflow::{self, Category, Workflow};

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
    let key = page.cursor.as_ref().map(|cursor| {
        let (priority, created) = serde_json::from_value(cursor.key.clone()).ok()?;
        let created_at = Utc.timestamp_micros(created).single()?;
        Some(QueueKey { priority, created_at, id: cursor.id })
    });
    let refusal = || AppError::Malformed("cursor is not valid".into());
    let key = key.map(|key| key.ok_or_else(refusal)).transpose()?;
    let mut tickets: Vec<InWorkflow<Summary>> = Vec::new();
    for Located { row, revision } in store::untriaged(conn, actor, page, key)? {
        // In memory, unless it was changed a moment ago.
        let workflow: Arc<Workflow> = workflow::load(conn, row.workflow_id, revision)?;
        tickets.push(InWorkflow { row, workflow });
    }
    let key = |ticket: &InWorkflow<Summary>| {
        let row = &ticket.row;
        (json!([row.priority, row.created_at.timestamp_micros()]), row.id.0)
    };
    Ok(page.page(tickets, key))
}

/// How many tickets wait for triage, by priority.
pub fn triage_queue_counts(
    conn: &mut PgConnection,
    actor: &Actor,
) -> Result<Vec<(Priority, i64)>, AppError> {
    actor.require(Permission::TicketsWork)?;
    Ok(store::untriaged_counts(conn, actor)?)
}
