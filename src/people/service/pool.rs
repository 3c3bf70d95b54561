//! Who can be given tickets.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{AgentId, AppError, DepartmentId, Level};
use crate::people::store::pool::{self as store, PoolMember, Staff};

/// The active agents of a department who work a level.
pub fn pool(
    conn: &mut PgConnection,
    department: DepartmentId,
    level: Level,
    now: DateTime<Utc>,
) -> Result<Vec<PoolMember>, AppError> {
    Ok(store::pool(conn, department, level, now)?)
}

/// The same and `holder`, locked: see [`store::lock_pool`].
pub fn lock_pool(
    conn: &mut PgConnection,
    department: DepartmentId,
    level: Level,
    holder: Option<AgentId>,
    now: DateTime<Utc>,
) -> Result<Vec<PoolMember>, AppError> {
    Ok(store::lock_pool(conn, department, level, holder, now)?)
}

/// These agents, locked: see [`store::lock_members`].
pub fn lock_members(
    conn: &mut PgConnection,
    department: DepartmentId,
    level: Level,
    agents: Vec<AgentId>,
    now: DateTime<Utc>,
) -> Result<Vec<PoolMember>, AppError> {
    Ok(store::lock_members(conn, department, level, agents, now)?)
}

/// The active agents of some departments, with where they work.
pub fn staff(
    conn: &mut PgConnection,
    departments: &[DepartmentId],
    now: DateTime<Utc>,
) -> Result<Vec<Staff>, AppError> {
    Ok(store::staff(conn, departments, now)?)
}
