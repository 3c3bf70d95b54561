//! Delete softly, and restore.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::await_reply;
use super::super::store::Ticket;
use super::drafts::discard_held;
use super::transition::reassign;
use super::{InWorkflow, Told, hold, hold_deleted};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};

/// How long a deleted ticket can be restored.
const RESTORE_WINDOW: TimeDelta = TimeDelta::days(30);

/// Deletes a ticket: it leaves every list, and its case stays in the CRM. A draft is gone for good.
pub fn delete(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsDelete)?;
    let mut held = hold(conn, actor, id, seen)?;
    if held.is_draft() {
        return discard_held(conn, held);
    }
    held.ticket.deleted_at = Some(now);
    let told = Told { kind: EventType::TicketDeleted, public: false, data: json!({}) };
    held.save(conn, actor, told, now)
}

/// Restores a ticket that was deleted less than 30 days ago.
pub fn restore(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsDelete)?;
    let mut held = hold_deleted(conn, actor, id, seen)?;
    let Some(deleted_at) = held.ticket.deleted_at else {
        return Err(AppError::conflict("not_deleted", "the ticket is not deleted"));
    };
    if now - deleted_at > RESTORE_WINDOW {
        return Err(AppError::conflict(
            "restore_window_over",
            "it was deleted more than 30 days ago",
        ));
    }
    held.ticket.deleted_at = None;
    await_reply(&mut held.ticket, &held.workflow, now);
    // Meanwhile its agent may have left, or may have as many tickets as they can.
    if held.ticket.category.is_open() && held.ticket.assignee_id.is_some() {
        reassign(conn, actor, &mut held, now)?;
    }
    let told = Told { kind: EventType::TicketRestored, public: false, data: json!({}) };
    held.save(conn, actor, told, now)
}
