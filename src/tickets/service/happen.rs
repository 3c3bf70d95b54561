//! What happens to a ticket in a feature of its own, such as an appointment: part of the ticket's history.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::super::store::{self, Ticket, Watched};
use super::conversation::hold_conversation;
use super::transition::{about, with, write_note};
use super::{Held, InWorkflow, Told, held, hold};
use crate::appointments;
use crate::events::{self, EventType, NewEvent, Subject};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::notes::NewNote;
use crate::workflow::Category;

/// What happened, for the ticket's history.
#[derive(Debug, Clone)]
pub struct Happening {
    pub kind: EventType,
    pub public: bool,
    pub data: Value,
    /// Written with it.
    pub note: Option<NewNote>,
}

/// Lets `work` do something on the ticket while it is held, and tells it as the ticket's next version; nothing is told when
/// nothing happened. Fails with `not_submitted` for a draft.
pub fn happen<T>(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    now: DateTime<Utc>,
    work: impl FnOnce(&mut PgConnection, &mut Ticket) -> Result<(T, Option<Happening>), AppError>,
) -> Result<(T, InWorkflow<Ticket>), AppError> {
    happen_on(conn, actor, id, IfMatch(None), now, work)
}

/// The same, on the version that the caller has seen.
pub fn happen_on<T>(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    now: DateTime<Utc>,
    work: impl FnOnce(&mut PgConnection, &mut Ticket) -> Result<(T, Option<Happening>), AppError>,
) -> Result<(T, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let held = hold(conn, actor, id, seen)?;
    if held.ticket.category == Category::Draft {
        return Err(AppError::conflict("not_submitted", "a draft is nobody's work yet"));
    }
    happen_held(conn, actor, held, now, work)
}

/// As [`happen`], where the ticket's conversation goes on: on this ticket, or on the one at the end of its merges.
pub fn happen_in_conversation<T>(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    now: DateTime<Utc>,
    work: impl FnOnce(&mut PgConnection, &mut Ticket) -> Result<(T, Option<Happening>), AppError>,
) -> Result<(T, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let held = hold_conversation(conn, actor, id)?;
    happen_held(conn, actor, held, now, work)
}

/// As [`happen`], on this ticket whether it is merged or deleted or not, and whether or not the actor sees it any more: for what
/// belongs to who did it.
pub fn happen_wherever<T>(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    now: DateTime<Utc>,
    work: impl FnOnce(&mut PgConnection, &mut Ticket) -> Result<(T, Option<Happening>), AppError>,
) -> Result<(T, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let located = store::lock_any(conn, id)?;
    let held = held(conn, located)?;
    happen_held(conn, actor, held, now, work)
}

fn happen_held<T>(
    conn: &mut PgConnection,
    actor: &Actor,
    mut held: Held,
    now: DateTime<Utc>,
    work: impl FnOnce(&mut PgConnection, &mut Ticket) -> Result<(T, Option<Happening>), AppError>,
) -> Result<(T, InWorkflow<Ticket>), AppError> {
    let (done, happening) = work(conn, &mut held.ticket)?;
    let Some(Happening { kind, public, mut data, note }) = happening else {
        return Ok((done, held.unchanged()));
    };
    if let Some(note) = note {
        data = with(data, &about(&write_note(conn, actor, &mut held, note, now)?));
    }
    let ticket = held.save(conn, actor, Told { kind, public, data }, now)?;
    Ok((done, ticket))
}

/// Nobody works on a ticket that was closed or deleted: its appointments that have not begun are cancelled, and each is a
/// version of the ticket with an event. The ticket is held, and written as it is.
pub(super) fn cancel_appointments(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: &mut Ticket,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let cancelled = appointments::cancel_coming(conn, ticket.id, now)?;
    if cancelled.is_empty() {
        return Ok(());
    }
    let told = cancelled.iter().map(|appointment| {
        ticket.version += 1;
        NewEvent {
            kind: EventType::AppointmentCancelled,
            subject: Subject::Ticket(ticket.id, ticket.version),
            public: false,
            changes: Default::default(),
            data: appointment.told(),
            occurred_at: now,
        }
    });
    let told = told.collect();
    store::save(conn, ticket)?;
    events::append_all(conn, actor, told)
}

/// Takes up to `limit` open tickets whose deadlines have passed, each deadline for the one who asks first.
pub fn take_missed_deadlines(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Watched>, AppError> {
    let mut taken = store::take_deadlines(conn, now, limit)?;
    taken.retain(|ticket| ticket.category.is_open() && ticket.deleted_at.is_none());
    Ok(taken)
}
