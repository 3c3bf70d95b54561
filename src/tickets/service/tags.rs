//! Tags, one by one: nobody writes over another's.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::{self, TagCount};
use super::super::store::{self, Ticket};
use super::{InWorkflow, Told, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};

/// Which tags to put on a ticket, and which to take off.
#[derive(Debug, Clone, Default)]
pub struct TagChange {
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// Puts tags on a ticket and takes others off; what is as wished already stays.
pub fn change_tags(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    change: &TagChange,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let mut held = hold(conn, actor, id, seen)?;
    let draft = held.is_draft();
    actor.require(if draft { Permission::TicketsWrite } else { Permission::TicketsWork })?;
    held.ticket.tags = rules::tagged(&held.before.tags, &change.add, &change.remove)?;
    if held.ticket.tags == held.before.tags {
        return Ok(held.unchanged());
    }
    let told = Told { kind: EventType::TicketChanged, public: true, data: json!({}) };
    held.save(conn, actor, told, now)
}

/// The newest tickets with tags that are counted: enough to know which tags are in use, and never the whole table.
const COUNTED: i64 = 10_000;

/// The tags that begin with `prefix` on the newest tickets of the caller's departments or accounts, most used first.
pub fn tags(
    conn: &mut PgConnection,
    actor: &Actor,
    prefix: &str,
    limit: usize,
) -> Result<Vec<TagCount>, AppError> {
    actor.require(Permission::TicketsRead)?;
    let newest = store::newest_tags(conn, actor, COUNTED)?;
    Ok(rules::most_used(newest, prefix, limit))
}
