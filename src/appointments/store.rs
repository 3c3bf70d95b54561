//! Queries of the appointments.
use chrono::{DateTime, Utc};
use diesel::Connection as _;
use diesel::prelude::*;
use uuid::Uuid;

use super::Span;
use crate::db::schema::appointments;
use crate::db::{rewrite, violated};
use crate::kernel::{AgentId, AppointmentId, Erasure, TicketId, TimeZone};

/// When an agent works on a ticket.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = appointments, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Appointment {
    pub id: AppointmentId,
    pub ticket_id: TicketId,
    pub agent_id: AgentId,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub time_zone: TimeZone,
    pub note: Option<String>,
    pub remind_minutes: Option<i32>,
    pub remind_at: Option<DateTime<Utc>>,
    pub check_at: Option<DateTime<Utc>>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub made_by: Uuid,
    pub made_by_name: String,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// False when another appointment of the agent is in the way. The transaction goes on: only this statement is undone.
pub fn insert(conn: &mut PgConnection, new: &Appointment) -> QueryResult<bool> {
    fits(
        conn.transaction(|conn| diesel::insert_into(appointments::table).values(new).execute(conn)),
    )
}

/// Writes every column; false as [`insert`].
pub fn save(conn: &mut PgConnection, changed: &Appointment) -> QueryResult<bool> {
    let update = diesel::update(appointments::table.find(changed.id)).set(changed);
    fits(conn.transaction(|conn| update.execute(conn)))
}

fn fits(written: QueryResult<usize>) -> QueryResult<bool> {
    match written {
        Err(error) if violated(&error) == Some("appointments_no_overlap") => Ok(false),
        other => other.map(|_| true),
    }
}

/// The first appointment of the agent that overlaps `span`, beside the one with this id.
pub fn in_the_way(
    conn: &mut PgConnection,
    agent: AgentId,
    span: Span,
    beside: AppointmentId,
) -> QueryResult<Option<Appointment>> {
    appointments::table
        .filter(appointments::agent_id.eq(agent))
        .filter(appointments::cancelled_at.is_null())
        .filter(appointments::id.ne(beside))
        .filter(appointments::ends_at.gt(span.starts_at))
        .filter(appointments::starts_at.lt(span.ends_at))
        .order(appointments::starts_at)
        .select(Appointment::as_select())
        .first(conn)
        .optional()
}

/// Cancels the appointments of a ticket that have not begun, and clears what is due of them; returns them in their order.
pub fn cancel_coming(
    conn: &mut PgConnection,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Appointment>> {
    let coming = appointments::table
        .filter(appointments::ticket_id.eq(ticket))
        .filter(appointments::cancelled_at.is_null())
        .filter(appointments::starts_at.gt(now));
    let mut cancelled: Vec<Appointment> = diesel::update(coming)
        .set((
            appointments::cancelled_at.eq(now),
            appointments::remind_at.eq(None::<DateTime<Utc>>),
            appointments::check_at.eq(None::<DateTime<Utc>>),
            appointments::version.eq(appointments::version + 1),
            appointments::updated_at.eq(now),
        ))
        .returning(Appointment::as_returning())
        .get_results(conn)?;
    cancelled.sort_by_key(|appointment| (appointment.starts_at, appointment.id.0));
    Ok(cancelled)
}

/// Takes a secret out of the notes of a ticket's appointments.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let noted: Vec<(AppointmentId, String)> = appointments::table
        .filter(appointments::ticket_id.eq(ticket))
        .filter(appointments::note.is_not_null())
        .select((appointments::id, appointments::note.assume_not_null()))
        .load(conn)?;
    let erased = noted.into_iter().filter_map(|(id, note)| Some((id.0, erasure.text(&note)?)));
    rewrite(conn, ("appointments", "note"), erased)?;
    Ok(())
}

/// One appointment of a ticket, locked.
pub fn lock(
    conn: &mut PgConnection,
    ticket: TicketId,
    id: AppointmentId,
) -> QueryResult<Option<Appointment>> {
    appointments::table
        .find(id)
        .filter(appointments::ticket_id.eq(ticket))
        .for_no_key_update()
        .select(Appointment::as_select())
        .first(conn)
        .optional()
}

/// One appointment of a ticket.
pub fn find(
    conn: &mut PgConnection,
    ticket: TicketId,
    id: AppointmentId,
) -> QueryResult<Option<Appointment>> {
    appointments::table
        .find(id)
        .filter(appointments::ticket_id.eq(ticket))
        .select(Appointment::as_select())
        .first(conn)
        .optional()
}

/// A ticket's appointments, the latest first; it has few.
pub fn of_ticket(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Vec<Appointment>> {
    appointments::table
        .filter(appointments::ticket_id.eq(ticket))
        .order((appointments::starts_at.desc(), appointments::id.desc()))
        .limit(100)
        .select(Appointment::as_select())
        .load(conn)
}

/// An agent's appointments that overlap `span`, in their order.
pub fn of_agent(
    conn: &mut PgConnection,
    agent: AgentId,
    span: Span,
    limit: i64,
) -> QueryResult<Vec<Appointment>> {
    appointments::table
        .filter(appointments::agent_id.eq(agent))
        .filter(appointments::cancelled_at.is_null())
        .filter(appointments::ends_at.gt(span.starts_at))
        .filter(appointments::starts_at.lt(span.ends_at))
        .order(appointments::starts_at)
        .limit(limit)
        .select(Appointment::as_select())
        .load(conn)
}

/// The present or next appointment of each of these agents.
pub fn next_of_agents(
    conn: &mut PgConnection,
    agents: &[AgentId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Appointment>> {
    appointments::table
        .filter(appointments::agent_id.eq_any(agents))
        .filter(appointments::cancelled_at.is_null())
        .filter(appointments::ends_at.gt(now))
        .distinct_on(appointments::agent_id)
        .order((appointments::agent_id, appointments::starts_at))
        .select(Appointment::as_select())
        .load(conn)
}

/// Takes up to `limit` of the appointments for which this column is due, each for the one who asks first, and clears it.
macro_rules! take_due {
    ($conn:expr, $due:ident, $now:expr, $limit:expr) => {{
        let due: Vec<AppointmentId> = appointments::table
            .filter(appointments::$due.le($now))
            .order(appointments::$due)
            .limit($limit)
            .for_no_key_update()
            .skip_locked()
            .select(appointments::id)
            .load($conn)?;
        diesel::update(appointments::table.filter(appointments::id.eq_any(due)))
            .set(appointments::$due.eq(None::<DateTime<Utc>>))
            .returning(Appointment::as_returning())
            .get_results($conn)
    }};
}

/// Takes up to `limit` reminders that are due.
pub fn take_reminders(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Appointment>> {
    take_due!(conn, remind_at, now, limit)
}

/// The same with the appointments whose agents should have begun.
pub fn take_checks(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Appointment>> {
    take_due!(conn, check_at, now, limit)
}
