//! Customers who say nothing are reminded, and then their ticket goes on without them, as its workflow says. Each step handles one
//! ticket in one transaction.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use super::super::rules::{Due, due};
use super::super::store::{self, Silence, Ticket};
use super::transition::{follow_status, move_to};
use super::{Held, InWorkflow, Told, held};
use crate::events::EventType;
use crate::kernel::{Actor, AppError};
use crate::workflow::{Category, Transition, Trigger};

/// A ticket that cannot be closed because steps of its process are open is tried again after this time.
const HELD_UP: TimeDelta = TimeDelta::days(1);

/// What became of a silence that was due to be looked at.
#[derive(Debug)]
pub enum Heeded {
    /// The customer is to be told.
    Reminded(Box<Reminded>),
    /// The ticket went on, or has to wait.
    Otherwise,
}

/// A reminder, for who tells the customer.
#[derive(Debug)]
pub struct Reminded {
    pub ticket: InWorkflow<Ticket>,
    /// Without a reply, the ticket goes on then.
    pub until: DateTime<Utc>,
}

/// Looks at the silence that is due the longest; `None` when none is. Safe from any number of replicas.
pub fn heed_silence(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Option<Heeded>, AppError> {
    let Some(located) = store::lock_silence_due(conn, now)? else { return Ok(None) };
    let mut held = held(conn, located)?;
    let before = held.before.clone();
    let (status, closed_at) = (&held.ticket.status, held.ticket.closed_at);
    let Some(way) = held.workflow.on(status, Trigger::NoFeedback, closed_at, now).cloned() else {
        // An administrator took the transition away meanwhile.
        held.ticket.silence = Silence::default();
        store::save(conn, &held.ticket)?;
        return Ok(Some(Heeded::Otherwise));
    };
    match due(&held.ticket.silence, &way, now) {
        Due::Wait(until) => wait(conn, before, until),
        Due::Remind { until } => remind(conn, held, until, now),
        Due::GoOn => match conn.transaction(|conn| go_on(conn, held, &way, now)) {
            // Steps of its process are open, and there is nobody to say why it should be closed all the same.
            Err(AppError::OpenSteps { .. }) => wait(conn, before, now + HELD_UP),
            done => done,
        },
    }
    .map(Some)
}

/// Looks again then.
fn wait(
    conn: &mut PgConnection,
    mut ticket: Ticket,
    until: DateTime<Utc>,
) -> Result<Heeded, AppError> {
    ticket.silence.due_at = Some(until);
    store::save(conn, &ticket)?;
    Ok(Heeded::Otherwise)
}

fn remind(
    conn: &mut PgConnection,
    mut held: Held,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Heeded, AppError> {
    held.ticket.silence.reminded_at = Some(now);
    held.ticket.silence.due_at = Some(until);
    let data = json!({ "silent_since": held.ticket.silence.since, "until": until });
    let told = Told { kind: EventType::TicketReminded, public: true, data };
    let ticket = held.save(conn, &Actor::system(), told, now)?;
    Ok(Heeded::Reminded(Box::new(Reminded { ticket, until })))
}

/// By the transition of the workflow.
fn go_on(
    conn: &mut PgConnection,
    mut held: Held,
    way: &Transition,
    now: DateTime<Utc>,
) -> Result<Heeded, AppError> {
    let system = Actor::system();
    let silence = held.ticket.silence;
    let was_closed = held.ticket.category == Category::Closed;
    move_to(&mut held, &way.to, now)?;
    if held.ticket.category == Category::Closed && !was_closed {
        held.ticket.resolution = Some(resolution(way));
    }
    follow_status(conn, &system, &mut held, was_closed, now)?;
    let data: Value = json!({
        "effects": way.effects, "silent_since": silence.since, "reminded_at": silence.reminded_at,
    });
    let told = Told { kind: EventType::TicketStatusChanged, public: true, data };
    held.save(conn, &system, told, now)?;
    Ok(Heeded::Otherwise)
}

fn resolution(way: &Transition) -> String {
    match way.after_days.unwrap_or_default() {
        1 => "Closed after a day without a reply".into(),
        days => format!("Closed after {days} days without a reply"),
    }
}
