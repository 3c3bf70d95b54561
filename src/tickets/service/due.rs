//! Automatic transitions. Each step handles one ticket in one transaction: it locks agents, and a second ticket's might be
//! locked by somebody who waits for the first's.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use super::super::store;
use super::transition::{follow_status, move_to};
use super::{Held, Told, held};
use crate::events::EventType;
use crate::kernel::{Actor, AppError};
use crate::workflow::Trigger;

/// When a ticket is looked at again that could not be closed.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// Does the automatic transition that is due the longest; false when none is. One that would close a ticket waits until the
/// steps of its process are done. Safe from any number of replicas.
pub fn follow_automatic_transition(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let Some(located) = store::lock_automatic_due(conn, now)? else { return Ok(false) };
    let mut held = held(conn, located)?;
    let next =
        held.workflow.on(&held.ticket.status, Trigger::Automatic, held.ticket.closed_at, now);
    let next = next.map(|transition| (transition.to.clone(), transition.effects.clone()));
    held.ticket.automatic_at = None;
    let Some((to, effects)) = next else {
        // An administrator took the transition away meanwhile.
        store::save(conn, &held.ticket)?;
        return Ok(true);
    };
    let mut later = held.before.clone();
    later.automatic_at = Some(now + AGAIN);
    match conn.transaction(|conn| go_on(conn, held, &to, json!({ "effects": effects }), now)) {
        // Steps of its process are open, and there is nobody to say why it should be closed all the same.
        Err(AppError::OpenSteps { .. }) => store::save(conn, &later)?,
        done => done?,
    };
    Ok(true)
}

fn go_on(
    conn: &mut PgConnection,
    mut held: Held,
    to: &str,
    data: Value,
    now: DateTime<Utc>,
) -> Result<usize, AppError> {
    let system = Actor::system();
    move_to(&mut held, to, now)?;
    follow_status(conn, &system, &mut held, false, now)?;
    let told = Told { kind: EventType::TicketStatusChanged, public: true, data };
    held.save(conn, &system, told, now)?;
    Ok(1)
}
