//! Timers that run.
use chrono::{DateTime, Utc};
use diesel::define_sql_function;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::timers;
use crate::kernel::{AgentId, Erasure, TicketId};

/// An agent works on a ticket; nobody has two of these.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = timers, check_for_backend(Pg))]
pub struct Timer {
    pub agent_id: AgentId,
    pub ticket_id: TicketId,
    pub started_at: DateTime<Utc>,
    pub chargeable: bool,
    pub note: Option<String>,
}

define_sql_function! {
    /// Waits for the lock, and holds it until the transaction ends.
    fn pg_advisory_xact_lock(key: BigInt);
}
define_sql_function! {
    /// The same without waiting: false when another has it.
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
}
define_sql_function! { fn hashtextextended(text: Text, seed: BigInt) -> BigInt; }

/// From now on nobody else starts or stops a timer of this agent. It is taken before any ticket, so nobody waits in a circle.
pub fn lock_timers(conn: &mut PgConnection, agent: AgentId) -> QueryResult<()> {
    let key = hashtextextended(format!("timer of {agent}"), 0);
    diesel::select(pg_advisory_xact_lock(key)).execute(conn)?;
    Ok(())
}

/// The same without waiting: false when another is at it.
pub fn try_lock_timers(conn: &mut PgConnection, agent: AgentId) -> QueryResult<bool> {
    let key = hashtextextended(format!("timer of {agent}"), 0);
    diesel::select(pg_try_advisory_xact_lock(key)).get_result(conn)
}

pub fn insert_timer(conn: &mut PgConnection, timer: &Timer) -> QueryResult<usize> {
    diesel::insert_into(timers::table).values(timer).execute(conn)
}

pub fn timer(conn: &mut PgConnection, agent: AgentId) -> QueryResult<Option<Timer>> {
    timers::table.find(agent).select(Timer::as_select()).first(conn).optional()
}

/// The timer as it was, which is gone.
pub fn take_timer(conn: &mut PgConnection, agent: AgentId) -> QueryResult<Option<Timer>> {
    let timer = diesel::delete(timers::table.find(agent));
    timer.returning(Timer::as_returning()).get_result(conn).optional()
}

/// Whose timers were started then or before, those first that run the longest.
pub fn forgotten(
    conn: &mut PgConnection,
    started: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<AgentId>> {
    timers::table
        .filter(timers::started_at.le(started))
        .order(timers::started_at)
        .limit(limit)
        .select(timers::agent_id)
        .load(conn)
}

/// Takes a secret out of what is noted with the timers of a ticket.
pub fn erase_timers(
    conn: &mut PgConnection,
    ticket: TicketId,
    erasure: &Erasure,
) -> QueryResult<()> {
    let noted: Vec<(AgentId, String)> = timers::table
        .filter(timers::ticket_id.eq(ticket))
        .filter(timers::note.is_not_null())
        .select((timers::agent_id, timers::note.assume_not_null()))
        .load(conn)?;
    let erased = noted.into_iter().filter_map(|(id, note)| Some((id.0, erasure.text(&note)?)));
    let (agents, notes): (Vec<Uuid>, Vec<String>) = erased.unzip();
    let update = "update timers t set note = anew.note from unnest($1, $2) as anew (id, note) where t.agent_id = anew.id";
    let update = diesel::sql_query(update).bind::<Array<SqlUuid>, _>(agents);
    update.bind::<Array<Text>, _>(notes).execute(conn)?;
    Ok(())
}
