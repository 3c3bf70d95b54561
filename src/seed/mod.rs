//! The data that a new desk starts with: workflows, the routing table, service levels, and people to try it with.
mod people;
mod routing;
mod service_levels;
mod ticket;
mod workflow;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;

use crate::kernel::AppError;
use crate::people::has_agents;

/// PostgreSQL advisory lock that lets one process seed at a time.
const SEED_LOCK: i64 = 0x0063_6173_6562_7365;

/// Loads the desk and a first ticket, unless the desk has agents. Call it in a transaction: another process that starts
/// at the same time waits for it, and then finds the agents.
pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    if load_desk(conn, now)? { ticket::load(conn, now) } else { Ok(()) }
}

/// Loads the desk alone, unless it has agents; tells whether it did.
pub fn load_desk(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    conn.batch_execute(&format!("select pg_advisory_xact_lock({SEED_LOCK})"))?;
    if has_agents(conn)? {
        return Ok(false);
    }
    let (consultancy, simple) = workflow::load(conn, now)?;
    let desk = people::load(conn, consultancy, simple, now)?;
    routing::load(conn, &desk, now)?;
    service_levels::load(conn, now)?;
    Ok(true)
}
