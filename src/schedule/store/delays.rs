//! What was missed.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::{delays, tickets};
use crate::kernel::{Actor, AgentId, AppointmentId, DelayId, PageRequest, TicketId};
use crate::tickets::visible;

/// A start or a deadline that was missed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = delays, check_for_backend(diesel::pg::Pg))]
pub struct Delay {
    pub id: DelayId,
    pub ticket_id: TicketId,
    pub agent_id: Option<AgentId>,
    /// Of a start; none of a deadline.
    pub appointment_id: Option<AppointmentId>,
    pub due_at: DateTime<Utc>,
    pub noticed_at: DateTime<Utc>,
    /// When the customer was told a new time.
    pub told_at: Option<DateTime<Utc>>,
}

/// Adds those that are not recorded yet, and returns them.
pub fn insert_delays(conn: &mut PgConnection, new: &[Delay]) -> QueryResult<Vec<Delay>> {
    diesel::insert_into(delays::table)
        .values(new)
        .on_conflict_do_nothing()
        .returning(Delay::as_returning())
        .get_results(conn)
}

/// The customer was told a new time of this appointment, or of the ticket's deadline.
pub fn told(
    conn: &mut PgConnection,
    ticket: TicketId,
    appointment: Option<AppointmentId>,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let untold = delays::table
        .filter(delays::ticket_id.eq(ticket))
        .filter(delays::told_at.is_null())
        .filter(delays::appointment_id.is_not_distinct_from(appointment));
    diesel::update(untold).set(delays::told_at.eq(now)).execute(conn)
}

/// Which delays a list holds.
#[derive(Debug, Clone, Copy)]
pub struct DelayFilter {
    pub agent: Option<AgentId>,
    /// Those of which the customer was told, or was not.
    pub told: Option<bool>,
}

/// The delays of tickets that the caller may see, latest first.
pub fn delays(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: DelayFilter,
    page: &PageRequest,
) -> QueryResult<Vec<Delay>> {
    let seen = tickets::table
        .into_boxed()
        .filter(visible(actor))
        .filter(tickets::deleted_at.is_null())
        .select(tickets::id);
    let mut query = delays::table
        .filter(delays::ticket_id.eq_any(seen))
        .limit(page.fetch())
        .select(Delay::as_select())
        .into_boxed();
    if let Some(agent) = filter.agent {
        query = query.filter(delays::agent_id.eq(agent));
    }
    query = match filter.told {
        Some(true) => query.filter(delays::told_at.is_not_null()),
        Some(false) => query.filter(delays::told_at.is_null()),
        None => query,
    };
    let from: Option<Uuid> = page.cursor.as_ref().map(|cursor| cursor.id);
    query = match (from, page.backward()) {
        (Some(id), false) => query.filter(delays::id.lt(id)),
        (Some(id), true) => query.filter(delays::id.gt(id)),
        (None, _) => query,
    };
    if page.backward() {
        query.order(delays::id).load(conn)
    } else {
        query.order(delays::id.desc()).load(conn)
    }
}
