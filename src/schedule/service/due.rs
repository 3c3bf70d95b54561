//! What is due: reminders, and what was missed. Each is a column with the time at which to look; whoever clears it tells it, in
//! the same transaction: once, from any number of processes, and again after none crashed.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use crate::events::{self, EventType, NewEvent, Subject};
use crate::kernel::{Actor, AppError, DelayId, Page, PageRequest, Permission, TicketId};
use crate::schedule::rules::EARLY;
use crate::schedule::store::{self, Appointment, Delay, DelayFilter};
use crate::tickets::service as tickets;

/// What is taken at a time.
const BATCH: i64 = 100;

/// Does what is due; false when nothing was.
pub fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let reminded = remind(conn, now)?;
    let started = notice_missed_starts(conn, now)?;
    let due = notice_missed_deadlines(conn, now)?;
    Ok(reminded || started || due)
}

/// Only of appointments that can still be kept, on tickets that are open.
fn remind(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let taken = store::take_reminders(conn, now, BATCH)?;
    let any = !taken.is_empty();
    let open = open_among(conn, &taken)?;
    let told = taken.iter().filter(|one| one.ends_at > now && open.contains(&one.ticket_id));
    let told = told.map(|one| {
        let subject = format!("appointment/{}", one.id);
        let mut data = one.told();
        data["ticket_id"] = json!(one.ticket_id);
        event(EventType::AppointmentReminderDue, subject, data, now)
    });
    tell(conn, told.collect())?;
    Ok(any)
}

fn open_among(
    conn: &mut PgConnection,
    appointments: &[Appointment],
) -> Result<Vec<TicketId>, AppError> {
    let ids: Vec<TicketId> = appointments.iter().map(|one| one.ticket_id).collect();
    Ok(if ids.is_empty() { ids } else { store::open_among(conn, &ids)? })
}

/// A start is missed when the agent did nothing on the open ticket from shortly before it until now.
fn notice_missed_starts(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let taken = store::take_checks(conn, now, BATCH)?;
    let Some(earliest) = taken.iter().map(|one| one.starts_at - EARLY).min() else {
        return Ok(false);
    };
    let open = open_among(conn, &taken)?;
    let agents: Vec<_> = taken.iter().map(|one| one.agent_id.0).collect();
    let acts = events::last_acts(conn, &open, &agents, earliest)?;
    let begun = |one: &Appointment| {
        acts.iter().any(|act| {
            (act.ticket_id, act.actor_id) == (one.ticket_id, one.agent_id.0)
                && act.at >= one.starts_at - EARLY
        })
    };
    let missed = taken.iter().filter(|one| open.contains(&one.ticket_id) && !begun(one));
    let missed = missed.map(|one| Delay {
        id: DelayId::new(),
        ticket_id: one.ticket_id,
        agent_id: Some(one.agent_id),
        appointment_id: Some(one.id),
        due_at: one.starts_at,
        noticed_at: now,
        told_at: None,
    });
    record(conn, missed.collect(), now)?;
    Ok(true)
}

fn notice_missed_deadlines(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let missed = tickets::take_missed_deadlines(conn, now, BATCH)?;
    let any = !missed.is_empty();
    let missed = missed.into_iter().filter_map(|ticket| {
        Some(Delay {
            id: DelayId::new(),
            ticket_id: ticket.id,
            agent_id: ticket.assignee_id,
            appointment_id: None,
            due_at: ticket.deadline?,
            noticed_at: now,
            told_at: None,
        })
    });
    record(conn, missed.collect(), now)?;
    Ok(any)
}

/// Records what was missed, for the agent and whoever coordinates.
fn record(conn: &mut PgConnection, missed: Vec<Delay>, now: DateTime<Utc>) -> Result<(), AppError> {
    if missed.is_empty() {
        return Ok(());
    }
    let told = store::insert_delays(conn, &missed)?.into_iter().map(|delay| {
        let data = json!({
            "ticket_id": delay.ticket_id,
            "agent_id": delay.agent_id,
            "appointment_id": delay.appointment_id,
            "due_at": delay.due_at,
        });
        event(EventType::DelayNoticed, format!("delay/{}", delay.id), data, now)
    });
    tell(conn, told.collect())
}

fn event(kind: EventType, subject: String, data: Value, occurred_at: DateTime<Utc>) -> NewEvent {
    let subject = Subject::Resource(subject);
    NewEvent { kind, subject, public: false, changes: Default::default(), data, occurred_at }
}

fn tell(conn: &mut PgConnection, told: Vec<NewEvent>) -> Result<(), AppError> {
    if told.is_empty() { Ok(()) } else { events::append_all(conn, &Actor::system(), told) }
}

/// A page of what was missed, latest first.
pub fn list_delays(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: DelayFilter,
    page: &PageRequest,
) -> Result<Page<Delay>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::delays(conn, actor, filter, page)?;
    Ok(page.page(rows, |delay| (Value::Null, delay.id.0)))
}
