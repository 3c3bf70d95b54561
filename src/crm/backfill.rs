//! Mirrors the tickets that were there before their connection.
//!
//! No ticket is missed between the relay and the backfill, and neither waits for the other. The job begins after the
//! connection was committed. A ticket whose event was published without the connection in sight was committed before
//! that, so every step sees it; any other is marked by the relay. Where both mark a ticket, there is one row.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Engine, service, store};
use crate::jobs::{self, Job, NewJob, Progress, Step};
use crate::kernel::{Actor, AppError, ConnectionId};

/// The kind of these jobs.
pub const BACKFILL: &str = "crm_backfill";

/// Tickets of a step, which is one short transaction.
const CHUNK: i64 = 1000;

#[derive(Debug, Serialize, Deserialize)]
struct Options {
    connection_id: ConnectionId,
}

/// The last ticket that was looked at.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    after: Uuid,
}

/// Starts the backfill of a connection.
pub fn start(
    conn: &mut PgConnection,
    actor: &Actor,
    connection: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    let options = json!(Options { connection_id: connection });
    let new = NewJob { kind: BACKFILL, subject: service::subject(connection), options };
    jobs::start(conn, actor, new, now)
}

impl Engine {
    /// One step of a backfill: makes the mirrors of the next tickets and marks them, behind whatever changes.
    pub async fn backfill(self, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
        self.db().quiet_tx(move |conn| step(conn, &job, now)).await
    }
}

fn step(conn: &mut PgConnection, job: &Job, now: DateTime<Utc>) -> Result<Step, AppError> {
    let options: Options =
        serde_json::from_value(job.options.clone()).map_err(AppError::internal)?;
    // Keeps the connection from being removed under the mirrors.
    if !store::keep_connection(conn, options.connection_id)? {
        return Ok(Step::Failed("the connection was removed".into()));
    }
    let cursor: Option<Cursor> =
        job.cursor.clone().map(serde_json::from_value).transpose().map_err(AppError::internal)?;
    let total = match job.total {
        Some(total) => total,
        None => store::count_tickets(conn)?,
    };
    let after = cursor.map_or(Uuid::nil(), |cursor| cursor.after);
    let chunk = store::backfill(conn, options.connection_id, after, CHUNK)?;
    let done = job.done + chunk.seen;
    let progress = Progress {
        cursor: json!(Cursor { after: chunk.last.unwrap_or(after) }),
        done,
        // Tickets were opened since they were counted.
        total: Some(total.max(done)),
        found: job.found + chunk.made,
    };
    jobs::save(conn, job, &progress)?;
    Ok(if chunk.seen < CHUNK { Step::Done } else { Step::Next(now) })
}
