//! Tell of clocks in danger, and of those that took too long.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::book::Documents;
use super::escalate::escalate;
use super::track::{self, Tracked};
use crate::events::EventType;
use crate::kernel::{Actor, AppError, TicketId};
use crate::sla::rules::{Alarm, Clock, EntryKind, Figures};
use crate::sla::store;
use crate::tickets::service::{self as tickets, Happening};

/// What is told of a clock.
pub struct Told {
    pub alarm: Alarm,
    pub clock: Clock,
    pub figures: Figures,
}

/// Tells of the clock that has had something to tell the longest; false when none has. What the ticket's clocks do not know yet is
/// learned first, with the ticket held: nothing is told that an answer has made untrue. Safe from any number of replicas.
pub fn tell_next(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let Some(id) = store::lock_due(conn, now)? else { return Ok(false) };
    let system = Actor::system();
    let ticket = tickets::get(conn, &system, id)?.row;
    if ticket.merged_into.is_some() || ticket.deleted_at.is_some() {
        // Nobody works on it: what was missed before is recorded, and nobody is told.
        note(conn, id, now)?;
        return Ok(true);
    }
    let (delay, _) = tickets::happen(conn, &system, id, now, |conn, ticket| {
        let Some((told, documents)) = note(conn, id, now)? else { return Ok((None, None)) };
        let kind = match told.alarm {
            Alarm::Warning => EventType::SlaWarning,
            Alarm::Breach => EventType::SlaBreached,
        };
        let heard = escalate(conn, ticket, &told, &documents, now)?;
        let data = json!({
            "metric": told.clock.metric,
            "cycle": told.clock.cycle,
            "due_at": told.figures.due_at,
            "basis": told.clock.basis,
            "told": heard.agents,
            "webhook_ids": heard.webhooks,
        });
        let delay = heard.customer.then(|| delay(&told, ticket.deadline, now));
        Ok((delay, Some(Happening { kind, public: false, data, note: None })))
    })?;
    if delay.is_some() {
        tickets::happen(conn, &system, id, now, |_, _| Ok(((), delay)))?;
    }
    Ok(true)
}

/// What the customer is told: what has passed, and the time that they can expect now, when the desk has set one.
fn delay(told: &Told, deadline: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Happening {
    let data = json!({
        "metric": told.clock.metric,
        "due_at": told.figures.due_at,
        "expected_at": deadline.filter(|deadline| *deadline > now),
    });
    Happening { kind: EventType::TicketDelayed, public: true, data, note: None }
}

/// Brings the ticket's clocks up to date, and records what is to be told of the first that has something to tell.
fn note(
    conn: &mut PgConnection,
    id: TicketId,
    now: DateTime<Utc>,
) -> Result<Option<(Told, Documents)>, AppError> {
    let row = store::lock_ticket(conn, id)?;
    let (book, mut tracked) = track::catch_up(conn, vec![row], now)?;
    let bases = tracked.iter().flat_map(|ticket| ticket.ledger.clocks());
    let documents = Documents::load(conn, bases.filter_map(|clock| clock.basis))?;
    let told = tracked.first().and_then(|ticket| first_due(ticket, &documents, now));
    if let Some((told, ticket)) = told.as_ref().zip(tracked.first_mut()) {
        let kind = match told.alarm {
            Alarm::Warning => EntryKind::Warned,
            Alarm::Breach => EntryKind::Breached,
        };
        ticket.ledger.push(&told.clock, kind, now, json!({ "due_at": told.figures.due_at }));
    }
    track::save(conn, &book, tracked)?;
    Ok(told.map(|told| (told, documents)))
}

fn first_due(ticket: &Tracked, documents: &Documents, now: DateTime<Utc>) -> Option<Told> {
    let clocks = ticket.ledger.clocks().into_iter().map(|clock| {
        let yardstick = documents.yardstick(clock.basis.as_ref(), clock.metric);
        let figures = clock.figures(yardstick.as_ref(), now);
        let missed = figures.breached_at.is_some();
        let alarm = if missed { Alarm::Breach } else { Alarm::Warning };
        Told { alarm, clock, figures }
    });
    let due = clocks.filter(|told| told.figures.check_at.is_some_and(|at| at < now));
    due.min_by_key(|told| told.figures.check_at)
}
