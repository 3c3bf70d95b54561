//! Use cases of the mirror, except for the mirroring itself.
mod conflicts;
mod connections;
mod health;
mod mirrors;
mod overview;
mod redactions;

pub use conflicts::*;
pub use connections::*;
pub use health::*;
pub use mirrors::*;
pub use overview::*;
pub use redactions::*;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use uuid::Uuid;

pub use super::store::ConnectionState;
use super::store::{self, Link, LinkKind};
use crate::events::Event;
use crate::kernel::{AppError, ConnectionId, PageRequest, TicketId};

/// What the jobs of a connection are about.
pub fn subject(id: ConnectionId) -> String {
    format!("crm_connection/{id}")
}

/// What a connection's secret is sealed for.
pub fn purpose(id: ConnectionId) -> String {
    format!("crm:{id}")
}

/// What the secret of a connection's webhooks is sealed for.
pub fn hook_purpose(id: ConnectionId) -> String {
    format!("crm_hook:{id}")
}

/// Marks the tickets of these events in every connection; a consumer of the event log.
pub fn mark_dirty(conn: &mut PgConnection, events: &[Event]) -> Result<(), AppError> {
    let mut since: BTreeMap<TicketId, DateTime<Utc>> = BTreeMap::new();
    for event in events {
        let Some(ticket) = event.ticket_id else { continue };
        let first = since.entry(ticket).or_insert(event.occurred_at);
        *first = event.occurred_at.min(*first);
    }
    let since: Vec<_> = since.into_iter().map(|(ticket, at)| (ticket, Some(at))).collect();
    if !since.is_empty() {
        store::mark_changed(conn, &since)?;
    }
    Ok(())
}

pub fn links(
    conn: &mut PgConnection,
    id: ConnectionId,
    kind: LinkKind,
) -> Result<Vec<Link>, AppError> {
    connection(conn, id)?;
    Ok(store::links(conn, id, kind)?)
}

/// Sets and removes links of one kind. The tickets that were parked for want of one go on.
pub fn set_links(
    conn: &mut PgConnection,
    id: ConnectionId,
    kind: LinkKind,
    set: &[Link],
    remove: &[Uuid],
) -> Result<Vec<Link>, AppError> {
    connection(conn, id)?;
    let locals: Vec<Uuid> = set.iter().map(|link| link.local_id).collect();
    store::unlink_records(conn, id, kind, &[&locals, remove].concat())?;
    store::set_links(conn, id, kind, set, remove).map_err(|error| {
        match crate::db::violated(&error) {
            Some("crm_links_connection_id_kind_remote_id_key") => AppError::conflict(
                "already_linked",
                "one of these records of the CRM is linked to something else",
            ),
            _ => error.into(),
        }
    })?;
    let remote: Vec<String> = set.iter().map(|link| link.remote_id.clone()).collect();
    store::relink_records(conn, id, kind, &remote)?;
    store::wake_unmapped(conn, id, kind, &locals)?;
    Ok(store::links(conn, id, kind)?)
}

fn after(request: &PageRequest) -> Option<Uuid> {
    request.cursor.as_ref().map(|cursor| cursor.id)
}
