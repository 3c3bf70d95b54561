//! Book, move and cancel appointments; tell customers new times.
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde_json::{Value, json};

use crate::events::EventType;
use crate::http::{IfMatch, set};
use crate::kernel::{Actor, AgentId, AppError, AppointmentId, Permission, TicketId, TimeZone};
use crate::notes::{Channel, NewNote};
use crate::people;
use crate::schedule::rules::{self, GRACE, Span, When};
use crate::schedule::store::{self, Appointment};
use crate::tickets::service::{self as tickets, Happening};
use crate::tickets::{InWorkflow, Ticket};
use crate::workflow::Category;

const MISSING: AppError = AppError::NotFound("the appointment");

/// An appointment to be made.
#[derive(Debug, Clone)]
pub struct NewAppointment {
    /// Who has the ticket when absent.
    pub agent_id: Option<AgentId>,
    pub starts_at: When,
    pub ends_at: When,
    /// The agent's when absent.
    pub time_zone: Option<TimeZone>,
    pub note: Option<String>,
    pub remind_minutes: Option<i32>,
}

/// Books an agent for a ticket. Fails with `appointment_overlap` when they have another appointment in that time.
pub fn book(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    new: NewAppointment,
    now: DateTime<Utc>,
) -> Result<Appointment, AppError> {
    let work = |conn: &mut PgConnection, ticket: &mut Ticket| {
        refuse_closed(ticket)?;
        let nobody = || AppError::field("/agent_id", "nobody has the ticket; name an agent");
        let agent_id = new.agent_id.or(ticket.assignee_id).ok_or_else(nobody)?;
        let agent_zone = lock_agent(conn, ticket, agent_id, now)?;
        let time_zone = new.time_zone.unwrap_or(agent_zone);
        let span = Span::new(new.starts_at, new.ends_at, time_zone.0, now)?;
        let appointment = Appointment {
            id: AppointmentId::new(),
            ticket_id: ticket.id,
            agent_id,
            starts_at: span.starts_at,
            ends_at: span.ends_at,
            time_zone,
            note: new.note,
            remind_minutes: new.remind_minutes,
            remind_at: rules::remind_at(span.starts_at, new.remind_minutes),
            check_at: Some(span.starts_at + GRACE),
            cancelled_at: None,
            made_by: actor.id,
            made_by_name: actor.name.clone(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        if !store::insert(conn, &appointment)? {
            return Err(overlap(conn, &appointment)?);
        }
        let told = happening(EventType::AppointmentScheduled, &appointment);
        Ok((appointment, Some(told)))
    };
    Ok(tickets::happen(conn, actor, ticket, now, work)?.0)
}

fn refuse_closed(ticket: &Ticket) -> Result<(), AppError> {
    if ticket.category != Category::Closed {
        return Ok(());
    }
    Err(AppError::conflict("ticket_closed", "nobody works on a closed ticket; reopen it first"))
}

/// Locks the agent, so that of two bookings at once one waits, instead of both for one another. Returns their time zone.
fn lock_agent(
    conn: &mut PgConnection,
    ticket: &Ticket,
    agent: AgentId,
    now: DateTime<Utc>,
) -> Result<TimeZone, AppError> {
    let (department, level) = (ticket.department_id, ticket.level);
    let locked = people::lock_members(conn, department, level, vec![agent], now)?;
    let found = locked.iter().find(|member| member.active).map(|member| member.time_zone);
    found.ok_or_else(|| AppError::field("/agent_id", "there is no such active agent"))
}

fn overlap(conn: &mut PgConnection, wanted: &Appointment) -> Result<AppError, AppError> {
    let other = store::in_the_way(conn, wanted.agent_id, wanted.span(), wanted.id)?;
    let detail = other.map_or_else(
        || "the agent has another appointment in that time".to_owned(),
        |other| {
            let zone = wanted.time_zone.0;
            let local = |time: DateTime<Utc>| time.with_timezone(&zone).to_rfc3339();
            let (from, until) = (local(other.starts_at), local(other.ends_at));
            format!("the agent has the appointment {} from {from} until {until}", other.id)
        },
    );
    Ok(AppError::conflict("appointment_overlap", detail))
}

fn happening(kind: EventType, appointment: &Appointment) -> Happening {
    Happening { kind, public: false, data: appointment.told(), note: None }
}

/// What to change of an appointment; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Reschedule {
    pub agent_id: Option<AgentId>,
    pub starts_at: Option<When>,
    /// As long as before, when only the start is given.
    pub ends_at: Option<When>,
    pub time_zone: Option<TimeZone>,
    pub note: Option<Option<String>>,
    pub remind_minutes: Option<Option<i32>>,
    /// Tells the customer the new time, with this message.
    pub notify: Option<Option<String>>,
    /// A delay: fails unless the appointment starts later.
    pub delays: bool,
}

/// Changes an appointment, and tells the customer if asked to.
pub fn reschedule(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: AppointmentId,
    seen: IfMatch,
    change: Reschedule,
    now: DateTime<Utc>,
) -> Result<Appointment, AppError> {
    let work = |conn: &mut PgConnection, ticket: &mut Ticket| {
        let before = lock_present(conn, ticket.id, id, seen)?;
        refuse_closed(ticket)?;
        let (notify, delays) = (change.notify.clone(), change.delays);
        let mut after = changed(before.clone(), change, now)?;
        if delays && after.starts_at <= before.starts_at {
            let detail = "a delayed appointment starts later than it was to; reschedule it instead";
            return Err(AppError::field("/starts_at", detail));
        }
        if after == before {
            return Ok((before, None));
        }
        lock_agent(conn, ticket, after.agent_id, now)?;
        (after.version, after.updated_at) = (before.version + 1, now);
        if !store::save(conn, &after)? {
            return Err(overlap(conn, &after)?);
        }
        let mut told = happening(EventType::AppointmentRescheduled, &after);
        if let Some(message) = notify.filter(|_| after.span() != before.span()) {
            let zone = customer_zone(conn, ticket, after.time_zone)?;
            let text = rules::moved(before.span(), after.span(), zone, message.as_deref());
            told = to_customer(EventType::AppointmentDelayed, after.told(), text);
            store::told(conn, ticket.id, Some(id), now)?;
        }
        Ok((after, Some(told)))
    };
    Ok(tickets::happen(conn, actor, ticket, now, work)?.0)
}

fn lock_present(
    conn: &mut PgConnection,
    ticket: TicketId,
    id: AppointmentId,
    seen: IfMatch,
) -> Result<Appointment, AppError> {
    let found = store::lock(conn, ticket, id)?.ok_or(MISSING)?;
    seen.check(found.version)?;
    if found.cancelled_at.is_some() {
        return Err(AppError::conflict("appointment_cancelled", "the appointment is cancelled"));
    }
    Ok(found)
}

fn changed(
    mut appointment: Appointment,
    change: Reschedule,
    now: DateTime<Utc>,
) -> Result<Appointment, AppError> {
    let before = appointment.span();
    set(&mut appointment.agent_id, change.agent_id);
    set(&mut appointment.time_zone, change.time_zone);
    set(&mut appointment.note, change.note);
    if change.starts_at.is_some() || change.ends_at.is_some() {
        let starts = change.starts_at.unwrap_or(before.starts_at.into());
        let ends = match change.ends_at {
            Some(ends) => ends,
            None => {
                let starts_at = starts.at(appointment.time_zone.0).unwrap_or(before.starts_at);
                (starts_at + (before.ends_at - before.starts_at)).into()
            }
        };
        let span = Span::new(starts, ends, appointment.time_zone.0, now)?;
        (appointment.starts_at, appointment.ends_at) = (span.starts_at, span.ends_at);
    }
    let moved = appointment.starts_at != before.starts_at;
    if moved {
        appointment.check_at = Some(appointment.starts_at + GRACE);
    }
    let minutes = change.remind_minutes.unwrap_or(appointment.remind_minutes);
    if moved || minutes != appointment.remind_minutes {
        appointment.remind_minutes = minutes;
        appointment.remind_at = rules::remind_at(appointment.starts_at, minutes);
    }
    Ok(appointment)
}

/// The clock that the customer looks at: the contact's, or else the one that the appointment was made by.
fn customer_zone(
    conn: &mut PgConnection,
    ticket: &Ticket,
    otherwise: TimeZone,
) -> Result<Tz, AppError> {
    let contact = ticket.contact_id.map(|id| people::get_contact(conn, id)).transpose()?;
    Ok(contact.map_or(otherwise, |contact| contact.time_zone).0)
}

fn to_customer(kind: EventType, data: Value, body: String) -> Happening {
    Happening { kind, public: true, data, note: Some(NewNote::public(Channel::Api, body)) }
}

/// Cancels an appointment; the agent is free again.
pub fn cancel(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: AppointmentId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let work = |conn: &mut PgConnection, ticket: &mut Ticket| {
        let mut appointment = lock_present(conn, ticket.id, id, seen)?;
        appointment.cancelled_at = Some(now);
        (appointment.remind_at, appointment.check_at) = (None, None);
        appointment.version += 1;
        appointment.updated_at = now;
        store::save(conn, &appointment)?;
        Ok(((), Some(happening(EventType::AppointmentCancelled, &appointment))))
    };
    tickets::happen(conn, actor, ticket, now, work).map(|_| ())
}

/// A later deadline of a ticket.
#[derive(Debug, Clone)]
pub struct NewDeadline {
    pub deadline: DateTime<Utc>,
    pub message: Option<String>,
}

/// A delay notice: the ticket takes longer than was said, and the customer is told.
pub fn delay_deadline(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    new: NewDeadline,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let work = |conn: &mut PgConnection, ticket: &mut Ticket| {
        refuse_closed(ticket)?;
        let later = new.deadline > now && ticket.deadline.is_none_or(|was| new.deadline > was);
        if !later {
            let detail = "the new deadline lies ahead, and behind the present one";
            return Err(AppError::field("/deadline", detail));
        }
        ticket.deadline = Some(new.deadline);
        let zone = customer_zone(conn, ticket, TimeZone::UTC)?;
        let text = rules::takes_longer(new.deadline, zone, new.message.as_deref());
        store::told(conn, id, None, now)?;
        Ok(((), Some(to_customer(EventType::TicketDelayed, json!({}), text))))
    };
    Ok(tickets::happen(conn, actor, id, now, work)?.1)
}

/// A ticket's appointments, the latest first.
pub fn appointments(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
) -> Result<Vec<Appointment>, AppError> {
    actor.require(Permission::TicketsWork)?;
    tickets::get(conn, actor, ticket)?;
    Ok(store::of_ticket(conn, ticket)?)
}

pub fn appointment(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: AppointmentId,
) -> Result<Appointment, AppError> {
    actor.require(Permission::TicketsWork)?;
    tickets::get(conn, actor, ticket)?;
    store::find(conn, ticket, id)?.ok_or(MISSING)
}
