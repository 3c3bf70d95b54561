//! What somebody was told.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::caller;
use crate::events::{self, Event};
use crate::kernel::{Actor, AppError, NotificationId, Page, PageRequest, Permission};
use crate::notifications::store::{self, FeedRow};
use crate::tickets::service::COUNTED_MAX;

const NOT_FOUND: AppError = AppError::NotFound("the notification");

/// What somebody was told, with the event that it was about.
pub struct Told {
    pub row: FeedRow,
    pub event: Event,
}

/// A page of what the caller was told, latest first, as far as they see the tickets now.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    unread: Option<bool>,
    page: &PageRequest,
) -> Result<Page<Told>, AppError> {
    actor.require(Permission::TicketsRead)?;
    caller(actor)?;
    let wrong = || AppError::Malformed("cursor is not valid".into());
    let from = page.cursor.as_ref().map(|cursor| cursor.key.as_i64().ok_or_else(wrong));
    let rows = store::list(conn, actor, unread, from.transpose()?, page)?;
    let page = page.page(rows, |row| (json!(row.position), row.id.0));
    let positions: Vec<i64> = page.items.iter().map(|row| row.position).collect();
    let mut events: HashMap<Option<i64>, Event> =
        events::at(conn, &positions)?.into_iter().map(|event| (event.position, event)).collect();
    page.try_map(|row| {
        let event = events.remove(&Some(row.position)).ok_or(NOT_FOUND)?;
        Ok(Told { row, event })
    })
}

/// How many the caller has not read, counted as far as one more than [`COUNTED_MAX`].
pub fn unread(conn: &mut PgConnection, actor: &Actor) -> Result<i64, AppError> {
    actor.require(Permission::TicketsRead)?;
    caller(actor)?;
    Ok(store::unread(conn, actor, COUNTED_MAX + 1)?)
}

/// Marks one as read; once more changes nothing.
pub fn mark_read(
    conn: &mut PgConnection,
    actor: &Actor,
    id: NotificationId,
    now: DateTime<Utc>,
) -> Result<Told, AppError> {
    actor.require(Permission::TicketsRead)?;
    caller(actor)?;
    let row = store::mark_read(conn, actor, id, now)?.ok_or(NOT_FOUND)?;
    let event = events::at(conn, &[row.position])?.pop().ok_or(NOT_FOUND)?;
    Ok(Told { row, event })
}

/// Marks this one and all before it as read: what has come since the caller looked stays unread. Returns how many are left.
pub fn mark_all_read(
    conn: &mut PgConnection,
    actor: &Actor,
    up_to: NotificationId,
    now: DateTime<Utc>,
) -> Result<i64, AppError> {
    actor.require(Permission::TicketsRead)?;
    let person = caller(actor)?;
    let missing = || AppError::field("/up_to", "you have no such notification");
    let position = store::position_of(conn, actor, up_to)?.ok_or_else(missing)?;
    store::mark_read_until(conn, person.id(), position, now)?;
    unread(conn, actor)
}
