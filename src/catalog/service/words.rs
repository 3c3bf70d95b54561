//! Ticket types and processes.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;
use uuid::Uuid;

use super::named;
use crate::catalog::store::words::{self as store, Process, TicketType};
use crate::events;
use crate::kernel::{Actor, AppError, Page, PageRequest};

const NO_PROCESS: AppError = AppError::NotFound("the process");

/// Fails with `key_taken`.
pub fn create_ticket_type(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: &TicketType,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::insert_type(conn, kind).map_err(named)?;
    events::resource_created(conn, actor, format!("ticket-type/{}", kind.key), kind, now)
}

/// Changes a ticket type under lock; `change` gets its present state.
pub fn change_ticket_type(
    conn: &mut PgConnection,
    actor: &Actor,
    key: &str,
    change: impl FnOnce(&mut TicketType) -> Result<(), AppError>,
    now: DateTime<Utc>,
) -> Result<TicketType, AppError> {
    let before = store::lock_type(conn, key)?.ok_or(AppError::NotFound("the ticket type"))?;
    let mut after = before.clone();
    change(&mut after)?;
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    after.version += 1;
    store::save_type(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, format!("ticket-type/{key}"), changes, now)?;
    Ok(after)
}

pub fn list_ticket_types(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<TicketType>, AppError> {
    let rows = store::types(conn, request)?;
    Ok(request.page(rows, |kind| (json!(kind.key), Uuid::nil())))
}

/// Fails with `key_taken`.
pub fn create_process(
    conn: &mut PgConnection,
    actor: &Actor,
    process: &Process,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::insert_process(conn, process).map_err(named)?;
    events::resource_created(conn, actor, format!("process/{}", process.key), process, now)
}

/// Changes a process under lock; `change` gets the present state. Tickets that follow it already keep the steps that they
/// were given.
pub fn change_process(
    conn: &mut PgConnection,
    actor: &Actor,
    key: &str,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Process) -> Result<(), AppError>,
) -> Result<Process, AppError> {
    let before = store::lock_process(conn, key)?.ok_or(NO_PROCESS)?;
    let mut after = before.clone();
    change(&mut after)?;
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save_process(conn, &after)?;
    events::resource_changed(conn, actor, format!("process/{key}"), changes, now)?;
    Ok(after)
}

pub fn get_process(conn: &mut PgConnection, key: &str) -> Result<Process, AppError> {
    store::process(conn, key)?.ok_or(NO_PROCESS)
}

pub fn list_processes(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<Process>, AppError> {
    let rows = store::processes(conn, request)?;
    Ok(request.page(rows, |process| (json!(process.key), Uuid::nil())))
}
