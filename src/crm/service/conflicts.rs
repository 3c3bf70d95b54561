//! Conflicts: listed and decided.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::after;
use crate::crm::engine::tell;
use crate::crm::merge::Side;
use crate::crm::store::{self, Conflict, ConflictFilter};
use crate::events::EventType;
use crate::kernel::{Actor, AppError, ConflictId, Page, PageRequest};

pub fn conflicts(
    conn: &mut PgConnection,
    filter: &ConflictFilter,
    request: &PageRequest,
) -> Result<Page<Conflict>, AppError> {
    let (backward, limit) = (request.backward(), request.fetch());
    let rows = store::conflicts(conn, filter, after(request), backward, limit)?;
    Ok(request.page(rows, |row| (Value::Null, row.id.0)))
}

/// Decides a held conflict; the mirror carries the decision out.
pub fn resolve(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ConflictId,
    winner: Side,
    now: DateTime<Utc>,
) -> Result<Conflict, AppError> {
    let conflict = store::lock_conflict(conn, id)?.ok_or(AppError::NotFound("the conflict"))?;
    if conflict.resolved_at.is_some() {
        return Err(AppError::conflict("already_resolved", "this conflict is resolved"));
    }
    let decided = store::decide_conflict(conn, id, winner, &actor.name, now)?;
    store::mark_tickets(conn, &[conflict.ticket_id])?;
    tell(conn, actor, EventType::MirrorConflictDecided, &decided, now)?;
    Ok(decided)
}
