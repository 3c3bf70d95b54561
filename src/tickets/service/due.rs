//! Automatic transitions. Each step handles one ticket in one transaction: it locks agents, and a second ticket's might be
//! locked by somebody who waits for the first's.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::store;
use super::transition::{follow_status, move_to};
use super::{Told, held};
use crate::events::EventType;
use crate::kernel::{Actor, AppError};
use crate::workflow::Trigger;

/// Does the automatic transition that is due the longest; false when none is. Safe from any number of replicas.
pub fn follow_automatic_transition(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let Some(located) = store::lock_automatic_due(conn, now)? else { return Ok(false) };
    let system = Actor::system();
    let mut held = held(conn, located)?;
    let next =
        held.workflow.on(&held.ticket.status, Trigger::Automatic, held.ticket.closed_at, now);
    let next = next.map(|transition| (transition.to.clone(), transition.effects.clone()));
    held.ticket.automatic_at = None;
    if let Some((to, effects)) = next {
        move_to(&mut held, &to, now)?;
        follow_status(conn, &system, &mut held, false, now)?;
        let data = json!({ "effects": effects });
        let told = Told { kind: EventType::TicketStatusChanged, public: true, data };
        held.save(conn, &system, told, now)?;
    } else {
        // An administrator took the transition away meanwhile.
        store::save(conn, &held.ticket)?;
    }
    Ok(true)
}
