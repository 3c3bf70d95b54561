//! Who is told of what happens to a ticket beside those whose it is.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;
use uuid::Uuid;

use super::super::store::{self, NewWatcher, Ticket, Watcher};
use super::{Held, InWorkflow, Told, get, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AgentId, AppError, ContactId, Permission, TicketId};
use crate::people;

/// Watchers of a ticket at the most.
const MOST: i64 = 100;

const NOT_FOUND: AppError = AppError::NotFound("an agent, or a contact of the ticket's account");

/// The watchers of a ticket; who does not work tickets sees the contacts.
pub fn watchers(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<Vec<Watcher>, AppError> {
    get(conn, actor, id)?;
    Ok(store::watchers(conn, id, !actor.may(Permission::TicketsWork), MOST)?)
}

/// Adds an agent of the desk, or a contact of the ticket's account; once more does nothing. A contact adds themselves.
pub fn watch(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    watcher: Uuid,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let held = hold_for(conn, actor, id, watcher)?;
    let (agent_id, contact_id) = who(conn, &held.ticket, watcher)?;
    if store::count_watchers(conn, id)? >= MOST {
        let detail = format!("a ticket has {MOST} watchers at the most");
        return Err(AppError::conflict("too_many_watchers", detail));
    }
    let (added_by, added_by_name) = (actor.id, actor.name.clone());
    let new =
        NewWatcher { ticket_id: id, agent_id, contact_id, added_by, added_by_name, added_at: now };
    if !store::insert_watcher(conn, &new)? {
        return Ok(held.unchanged());
    }
    save(conn, actor, held, EventType::TicketWatched, watcher, now)
}

/// Takes a watcher away; once more does nothing.
pub fn unwatch(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    watcher: Uuid,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let held = hold_for(conn, actor, id, watcher)?;
    if !store::delete_watcher(conn, id, watcher)? {
        return Ok(held.unchanged());
    }
    save(conn, actor, held, EventType::TicketUnwatched, watcher, now)
}

/// Everybody may speak for themselves; for others, who works tickets.
fn hold_for(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    watcher: Uuid,
) -> Result<Held, AppError> {
    actor.require(Permission::TicketsWrite)?;
    let held = hold(conn, actor, id, IfMatch(None))?;
    if watcher != actor.id && !actor.may(Permission::TicketsWork) {
        // Whether there is anybody with this id is nothing that they may know.
        return Err(NOT_FOUND);
    }
    if held.is_draft() {
        return Err(AppError::conflict("not_submitted", "a draft is its author's alone"));
    }
    Ok(held)
}

fn who(
    conn: &mut PgConnection,
    ticket: &Ticket,
    watcher: Uuid,
) -> Result<(Option<AgentId>, Option<ContactId>), AppError> {
    if people::active_agent(conn, AgentId(watcher))?.is_some() {
        return Ok((Some(AgentId(watcher)), None));
    }
    let account = ticket.account_id.ok_or(NOT_FOUND)?;
    let parties = people::check_parties(conn, account, Some(ContactId(watcher)), None)?;
    if parties.contact { Ok((None, Some(ContactId(watcher)))) } else { Err(NOT_FOUND) }
}

fn save(
    conn: &mut PgConnection,
    actor: &Actor,
    held: Held,
    kind: EventType,
    watcher: Uuid,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let told = Told { kind, public: false, data: json!({ "watcher_id": watcher }) };
    held.save(conn, actor, told, now)
}
