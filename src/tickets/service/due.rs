//! What happens by itself: automatic transitions, and waiting tickets that somebody can take now. Each step handles one
//! ticket in one transaction: it locks agents, and a second ticket's might be locked by somebody who waits for the first's.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::store;
use super::assign::need;
use super::transition::{follow_status, go_on_if_assigned, move_to};
use super::{Told, held};
use crate::assignment::{self, Previous};
use crate::events::EventType;
use crate::kernel::{Actor, AppError, TicketId};
use crate::people;
use crate::workflow::Trigger;

/// How many waiting tickets of a pool are looked at for one that somebody may take.
const LOOKED_AT: i64 = 500;

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

/// Gives a waiting ticket to an agent who has become available, most urgent and oldest first; false when nobody can
/// take any. A ticket that nobody may take does not hold up those behind it.
pub fn assign_waiting(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    for (department, level) in store::waiting_pools(conn)? {
        let pool = people::pool(conn, department, level)?;
        if !pool.iter().any(|agent| agent.on_duty(now) && agent.open_tickets < agent.capacity) {
            continue;
        }
        let waiting = store::waiting(conn, department, level, LOOKED_AT)?;
        let mut takeable =
            waiting.iter().filter(|t| assignment::could_be_taken(&pool, &need(t), now));
        if let Some(ticket) = takeable.next() {
            give(conn, ticket.id, now)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Decides again on what is locked: somebody else may have been faster.
fn give(conn: &mut PgConnection, id: TicketId, now: DateTime<Utc>) -> Result<(), AppError> {
    let Some(located) = store::lock_waiting(conn, id)? else { return Ok(()) };
    let mut held = held(conn, located)?;
    let decision = assignment::pick(conn, &need(&held.ticket), now)?;
    if decision.agent.is_none() {
        return Ok(());
    }
    let system = Actor::system();
    held.ticket.assignee_id = decision.agent;
    let about = Previous { ticket: id, agent: None };
    let reason = Some("somebody became available");
    assignment::record(conn, &system, about, &decision, reason, now)?;
    go_on_if_assigned(&mut held.ticket, &held.workflow, now)?;
    let told = Told { kind: EventType::TicketAssigned, public: false, data: json!({}) };
    held.save(conn, &system, told, now)?;
    Ok(())
}
