//! Timers: an agent has one at the most.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::{clock_of, get, happening, told};
use crate::events::EventType;
use crate::http::set;
use crate::kernel::{Actor, AgentId, AppError, Permission, TicketId, TimeEntryId};
use crate::tickets::Ticket;
use crate::tickets::service as tickets;
use crate::time_entries::rules::{counted, day};
use crate::time_entries::store::{self, Priced, TimeEntry, Timer};
use crate::workflow::Category;

/// Forgotten timers that are looked at in search of one that nobody else books.
const LOOKED_AT: i64 = 20;

/// A timer to be started.
#[derive(Debug, Clone)]
pub struct NewTimer {
    pub ticket_id: TicketId,
    pub chargeable: bool,
    pub note: Option<String>,
}

/// What came of a start.
#[derive(Debug, Clone)]
pub struct Started {
    pub timer: Timer,
    /// What was booked by the timer that ran before, on another ticket.
    pub booked: Option<Priced>,
}

/// What the entry of a timer that stops says otherwise than the timer.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    pub chargeable: Option<bool>,
    pub note: Option<Option<String>>,
}

fn own_agent(actor: &Actor) -> Result<AgentId, AppError> {
    actor.require(Permission::TicketsWork)?;
    let program = || AppError::conflict("not_an_agent", "timers are for the desk's people");
    actor.agent_id().ok_or_else(program)
}

/// Starts the caller's timer on a ticket. One that runs on another ticket stops and is booked; one that runs on this ticket goes on
/// as it is. `most` is what timers count.
pub fn start(
    conn: &mut PgConnection,
    actor: &Actor,
    new: NewTimer,
    most: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Started, AppError> {
    let agent_id = own_agent(actor)?;
    let ticket = tickets::get(conn, actor, new.ticket_id)?.row;
    if ticket.deleted_at.is_some() {
        let detail = "the ticket is deleted; restore it first";
        return Err(AppError::conflict("ticket_deleted", detail));
    }
    if ticket.category == Category::Draft {
        return Err(AppError::conflict("not_submitted", "a draft is nobody's work yet"));
    }
    store::lock_timers(conn, agent_id)?;
    let booked = match store::timer(conn, agent_id)? {
        Some(timer) if timer.ticket_id == ticket.id => {
            return Ok(Started { timer, booked: None });
        }
        Some(other) => Some(book(conn, actor, &other, Stop::default(), most, now)?),
        None => None,
    };
    let NewTimer { chargeable, note, .. } = new;
    let timer = Timer { agent_id, ticket_id: ticket.id, started_at: now, chargeable, note };
    store::insert_timer(conn, &timer)?;
    Ok(Started { timer, booked })
}

/// The caller's timer, if one runs.
pub fn running(conn: &mut PgConnection, actor: &Actor) -> Result<Option<Timer>, AppError> {
    let agent = own_agent(actor)?;
    Ok(store::timer(conn, agent)?)
}

/// Stops the caller's timer and writes down what it counted.
pub fn stop(
    conn: &mut PgConnection,
    actor: &Actor,
    wanted: Stop,
    most: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Priced, AppError> {
    let agent = own_agent(actor)?;
    store::lock_timers(conn, agent)?;
    let none = || AppError::conflict("no_timer", "none of your timers runs");
    let timer = store::timer(conn, agent)?.ok_or_else(none)?;
    book(conn, actor, &timer, wanted, most, now)
}

/// Stops the caller's timer and forgets what it counted; nothing happens when none runs.
pub fn discard(conn: &mut PgConnection, actor: &Actor) -> Result<(), AppError> {
    let agent = own_agent(actor)?;
    store::lock_timers(conn, agent)?;
    store::take_timer(conn, agent)?;
    Ok(())
}

/// Books a timer that has run for `most`, and marks the entry; false when there is none. Safe from any number of replicas.
pub fn book_forgotten(
    conn: &mut PgConnection,
    most: TimeDelta,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    for agent in store::forgotten(conn, now - most, LOOKED_AT)? {
        if !store::try_lock_timers(conn, agent)? {
            continue;
        }
        // It may be another one by now.
        let timer = store::timer(conn, agent)?.filter(|timer| timer.started_at <= now - most);
        if let Some(timer) = timer {
            book(conn, &Actor::system(), &timer, Stop::default(), most, now)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes down what a timer counted, on the ticket that it was started on, whatever became of that: the work was done. The day is the
/// one on which it began. The ticket is held before the timer is taken, as by whoever redacts what it says.
fn book(
    conn: &mut PgConnection,
    actor: &Actor,
    timer: &Timer,
    wanted: Stop,
    most: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Priced, AppError> {
    let zone = clock_of(conn, timer.agent_id)?;
    let counted = counted(timer.started_at, now, most);
    let work = |conn: &mut PgConnection, _: &mut Ticket| {
        let gone = || AppError::Internal(anyhow::anyhow!("a timer stopped under its lock"));
        let timer = store::take_timer(conn, timer.agent_id)?.ok_or_else(gone)?;
        let mut entry = TimeEntry {
            id: TimeEntryId::new(),
            ticket_id: timer.ticket_id,
            agent_id: timer.agent_id,
            minutes: counted.minutes,
            chargeable: timer.chargeable,
            note: timer.note,
            work_date: day(timer.started_at, zone.0),
            capped: counted.capped,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        set(&mut entry.chargeable, wanted.chargeable);
        set(&mut entry.note, wanted.note);
        store::insert(conn, &entry)?;
        Ok((entry.id, Some(happening(EventType::TimeLogged, told(&entry)))))
    };
    let (id, _) = tickets::happen_wherever(conn, actor, timer.ticket_id, now, work)?;
    get(conn, actor, id)
}
