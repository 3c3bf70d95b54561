//! Read and replace the matrix.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::rules::Priorities;
use super::store::{self, TriageMatrix};
use crate::events;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError};

/// What severity and impact mean now.
pub fn matrix(conn: &mut PgConnection) -> Result<TriageMatrix, AppError> {
    Ok(store::find(conn)?)
}

/// Replaces the whole matrix. Tickets keep the priorities that they have.
pub fn replace(
    conn: &mut PgConnection,
    actor: &Actor,
    seen: IfMatch,
    priorities: Priorities,
    now: DateTime<Utc>,
) -> Result<TriageMatrix, AppError> {
    let before = store::lock(conn)?;
    seen.check(before.version)?;
    if before.priorities == priorities {
        return Ok(before);
    }
    let after = TriageMatrix { priorities, version: before.version + 1, updated_at: now };
    store::save(conn, &after)?;
    let changes = events::diff(&before, &after);
    events::resource_changed(conn, actor, "triage-matrix".into(), changes, now)?;
    Ok(after)
}
