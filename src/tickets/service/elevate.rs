//! Elevate a ticket, take an elevation back; record whatever changes its level.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::store::{self, Elevation, Ticket};
use super::assign::{give, refuse_inactive};
use super::transition::{about, go_on_if_assigned, move_to, write_note};
use super::{Assign, Held, InWorkflow, Target, Told, get, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, ElevationId, Level, Permission, TicketId};
use crate::notes::{Channel, NewNote};
use crate::routing::{LevelChange, Route};
use crate::workflow::{Awaiting, Requirement, Trigger};

/// To another level of support, why, and what was tried before.
#[derive(Debug, Clone)]
pub struct Elevate {
    pub to: Level,
    pub reason: String,
    /// What an elevation cannot do without.
    pub tried: Option<String>,
}

/// Moves a ticket one level up or back, records it, and gives the ticket to somebody of the new level. Where the workflow
/// leads to or from a status that awaits the third line, the ticket goes that way. Its clock is not touched.
pub fn elevate(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Elevate,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut held = hold(conn, actor, id, seen)?;
    refuse_inactive(&held)?;
    let from = held.ticket.level;
    let before: Vec<LevelChange> =
        store::elevations(conn, id)?.into_iter().map(|elevation| elevation.kind).collect();
    let kind = LevelChange::step(from, wanted.to, &before)
        .map_err(|detail| AppError::field("/to", detail))?;
    if kind == LevelChange::Elevation && wanted.tried.is_none() {
        return Err(AppError::field("/tried", "say what was tried before"));
    }
    held.ticket.level = wanted.to;
    let (reason, tried) = (wanted.reason.clone(), wanted.tried.clone().unwrap_or_default());
    record(conn, actor, &held, kind, (reason, tried), now)?;
    let mut data = follow_level(conn, actor, &mut held, &wanted, now)?;
    let (kind, verb) = match kind {
        LevelChange::DeElevation => (EventType::TicketDeElevated, "de-elevated"),
        _ => (EventType::TicketElevated, "elevated"),
    };
    let reason = Some(format!("{verb} to {}", wanted.to));
    give(conn, actor, &mut held, &Assign { to: Target::Automatic, reason }, now)?;
    go_on_if_assigned(&mut held.ticket, &held.workflow, now)?;
    (data["reason"], data["tried"]) = (json!(wanted.reason), json!(wanted.tried));
    held.save(conn, actor, Told { kind, public: false, data }, now)
}

/// Goes to a status that awaits the third line, or back from one, where the workflow leads there and asks for no more than
/// an internal note, which is written then. Returns what the event says of the note.
fn follow_level(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    wanted: &Elevate,
    now: DateTime<Utc>,
) -> Result<serde_json::Value, AppError> {
    let (workflow, ticket) = (&held.workflow, &held.ticket);
    let awaits = |code: &str| workflow.status(code).map(|status| status.awaiting);
    let to = match (wanted.to, awaits(&ticket.status)) {
        (Level::ThirdLine, Some(now)) if now != Awaiting::ThirdLine => Awaiting::ThirdLine,
        (Level::L1 | Level::L2, Some(Awaiting::ThirdLine)) => Awaiting::Desk,
        _ => return Ok(json!({})),
    };
    let ways = workflow.allowed(&ticket.status, &[Trigger::Agent], ticket.closed_at, now);
    let ways = ways.into_iter().filter(|way| {
        awaits(&way.to) == Some(to)
            && way.requires.iter().all(|required| *required == Requirement::InternalNote)
    });
    let order = |code: &str| workflow.status(code).map(|status| status.sort_order);
    let Some(way) = ways.min_by_key(|way| order(&way.to)).cloned() else { return Ok(json!({})) };
    move_to(held, &way.to, now)?;
    if way.requires.is_empty() {
        return Ok(json!({}));
    }
    let tried = wanted.tried.iter().map(|tried| format!("\n\nTried: {tried}"));
    let body = format!("{}{}", wanted.reason, tried.collect::<String>());
    let note = NewNote::internal(Channel::Api, body);
    Ok(about(&write_note(conn, actor, held, note, now)?))
}

/// Records that the component of the held ticket changed, if that changed its level or ended what it was elevated to.
pub(super) fn record_rerouting(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &Held,
    route: &Route,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let moved = held.before.level != route.level;
    if moved || !store::elevations(conn, held.ticket.id)?.is_empty() {
        let reason = (route.explanation.clone(), String::new());
        record(conn, actor, held, LevelChange::Rerouting, reason, now)?;
    }
    Ok(())
}

fn record(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &Held,
    kind: LevelChange,
    (reason, tried): (String, String),
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let elevation = Elevation {
        id: ElevationId::new(),
        ticket_id: held.ticket.id,
        from_level: held.before.level,
        to_level: held.ticket.level,
        reason,
        tried,
        elevated_by: actor.id,
        elevated_by_name: actor.name.clone(),
        elevated_at: now,
        kind,
        routing_version: held.ticket.routing_version,
    };
    store::insert_elevation(conn, &elevation)?;
    Ok(())
}

/// Every change of the ticket's level, oldest first.
pub fn elevations(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<Vec<Elevation>, AppError> {
    get(conn, actor, id)?;
    Ok(store::elevations(conn, id)?)
}
