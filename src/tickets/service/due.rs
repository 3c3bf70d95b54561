//! What happens by itself: automatic transitions, and waiting tickets that somebody can take now.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::store;
use super::assign::need;
use super::transition::{follow_assignment, move_to};
use super::{Told, held};
use crate::assignment::{self, Previous};
use crate::events::EventType;
use crate::kernel::{Actor, AppError};
use crate::workflow::Trigger;

const BATCH: i64 = 50;

/// Does the automatic transitions that are due; true when there may be more. Safe from any number of replicas.
pub fn follow_automatic_transitions(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let due = store::automatic_due(conn, now, BATCH)?;
    let more = due.len() as i64 == BATCH;
    let system = Actor::system();
    for located in due {
        let mut held = held(conn, located)?;
        let next =
            held.workflow.on(&held.ticket.status, Trigger::Automatic, held.ticket.closed_at, now);
        let next = next.map(|transition| (transition.to.clone(), transition.effects.clone()));
        held.ticket.automatic_at = None;
        if let Some((to, effects)) = next {
            move_to(&mut held, &to, now)?;
            follow_assignment(conn, &system, &mut held, now)?;
            let data = json!({ "effects": effects });
            held.save(
                conn,
                &system,
                Told { kind: EventType::TicketStatusChanged, public: true, data },
                now,
            )?;
        } else {
            // An administrator took the transition away meanwhile.
            store::save(conn, &held.ticket)?;
        }
    }
    Ok(more)
}

/// Gives waiting tickets to agents who have become available, most urgent and oldest first. Returns how many.
pub fn assign_waiting(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<usize, AppError> {
    let system = Actor::system();
    let mut given = 0;
    for located in store::waiting(conn, BATCH)? {
        let mut held = held(conn, located)?;
        let decision = assignment::pick(conn, &need(&held.ticket), now)?;
        if decision.agent.is_none() {
            continue;
        }
        held.ticket.assignee_id = decision.agent;
        let about = Previous { ticket: held.ticket.id, agent: None };
        assignment::record(
            conn,
            &system,
            about,
            &decision,
            Some("somebody became available"),
            now,
        )?;
        follow_assignment(conn, &system, &mut held, now)?;
        held.save(
            conn,
            &system,
            Told { kind: EventType::TicketAssigned, public: false, data: json!({}) },
            now,
        )?;
        given += 1;
    }
    Ok(given)
}
