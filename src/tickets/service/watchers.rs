//! Who is told of what happens to a ticket beside those whose it is.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;
use uuid::Uuid;

use super::super::store::{self, NewWatcher, Ticket, Watcher};
use super::read::conversation;
use super::{Held, InWorkflow, Told, get, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AgentId, AppError, ContactId, Permission, TicketId};
use crate::people;

/// Watchers of a ticket at the most.
const MOST: i64 = 100;

const NOT_FOUND: AppError = AppError::NotFound("an agent, or a contact of the ticket's account");

/// The watchers of a ticket and of those that were merged into it; who does not work tickets sees the contacts.
pub fn watchers(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<Vec<Watcher>, AppError> {
    let ticket = get(conn, actor, id)?.row;
    let tickets = conversation(conn, &ticket)?;
    Ok(store::watchers(conn, &tickets, !actor.may(Permission::TicketsWork))?)
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
    let tickets = conversation(conn, &held.ticket)?;
    if store::count_watchers(conn, &tickets)? >= MOST {
        return Err(too_many());
    }
    let (added_by, added_by_name) = (actor.id, actor.name.clone());
    let new =
        NewWatcher { ticket_id: id, agent_id, contact_id, added_by, added_by_name, added_at: now };
    if !store::insert_watcher(conn, &new)? {
        return Ok(held.unchanged());
    }
    save(conn, actor, held, EventType::TicketWatched, watcher, now)
}

/// Takes a watcher away, also from what was merged into the ticket; once more does nothing.
pub fn unwatch(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    watcher: Uuid,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let held = hold_for(conn, actor, id, watcher)?;
    let tickets = conversation(conn, &held.ticket)?;
    if !store::delete_watcher(conn, &tickets, watcher)? {
        return Ok(held.unchanged());
    }
    save(conn, actor, held, EventType::TicketUnwatched, watcher, now)
}

fn too_many() -> AppError {
    let detail = format!("a ticket has {MOST} watchers at the most");
    AppError::conflict("too_many_watchers", detail)
}

/// Fails when more people watch one of these tickets than one ticket has watchers.
pub(super) fn check_joint(conn: &mut PgConnection, tickets: &[TicketId]) -> Result<(), AppError> {
    if store::count_watchers(conn, tickets)? > MOST { Err(too_many()) } else { Ok(()) }
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
