//! The data that a new desk starts with: workflows, the routing table, and people to try it with.
pub mod people;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;

use crate::kernel::{AppError, WorkflowId};
use crate::people::has_agents;

/// PostgreSQL advisory lock that lets one process seed at a time.
const SEED_LOCK: i64 = 0x0063_6173_6562_7365;

/// Loads the seed data, unless the desk has agents. Call it in a transaction: another process that starts at the same
/// time waits for it, and then finds the agents.
pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    conn.batch_execute(&format!("select pg_advisory_xact_lock({SEED_LOCK})"))?;
    if has_agents(conn)? {
        return Ok(());
    }
    let consultancy = workflow(conn, "consultancy", "Consultancy")?;
    let simple = workflow(conn, "simple", "Simple")?;
    people::load(conn, consultancy, simple, now)?;
    Ok(())
}

fn workflow(conn: &mut PgConnection, key: &str, name: &str) -> Result<WorkflowId, AppError> {
    use diesel::prelude::*;

    use crate::db::schema::workflows;

    let id = WorkflowId::new();
    diesel::insert_into(workflows::table)
        .values((
            workflows::id.eq(id),
            workflows::key.eq(key),
            workflows::name.eq(name),
            workflows::draft_status.eq("005"),
            workflows::submitted_status.eq("010"),
        ))
        .execute(conn)?;
    Ok(id)
}
