//! The matrix of triage, and what a change of it means to the tickets that are open.
use chrono::{DateTime, Utc};
use diesel::result::Error::RollbackTransaction;
use diesel::{Connection as _, PgConnection};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::super::store;
use super::{Told, held};
use crate::db::Db;
use crate::events::EventType;
use crate::http::IfMatch;
use crate::jobs::{self, Job, NewJob, Progress, Step};
use crate::kernel::{Actor, AppError};
use crate::triage::{self, Priorities, TriageMatrix};

/// The kind of the job that gives open tickets the priorities of the matrix.
pub const MATRIX_JOB: &str = "triage_matrix";

/// Tickets of a step, which is one transaction.
const CHUNK: i64 = 100;

/// Open tickets whose priority is not what a matrix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// It would become what the matrix says.
    pub would_change: i64,
    /// Somebody chose it by hand: it stays.
    pub kept_manual: i64,
}

/// Counts the open tickets that a matrix differs from.
pub fn matrix_difference(
    conn: &mut PgConnection,
    priorities: &Priorities,
) -> Result<Difference, AppError> {
    let cells = priorities.0.as_flattened();
    Ok(Difference {
        would_change: store::differing_count(conn, cells)?,
        kept_manual: store::manual_count(conn, cells)?,
    })
}

/// Replaces the matrix, and tells from which open tickets it differs; a dry run tells so without changing anything.
pub fn replace_matrix(
    conn: &mut PgConnection,
    actor: &Actor,
    seen: IfMatch,
    priorities: Priorities,
    dry_run: bool,
    now: DateTime<Utc>,
) -> Result<(TriageMatrix, Difference), AppError> {
    let mut told = None;
    let done = conn.transaction(|conn| {
        let matrix = triage::replace(conn, actor, seen, priorities, now)?;
        let difference = matrix_difference(conn, &matrix.priorities)?;
        told = Some((matrix, difference));
        if dry_run { Err(AppError::from(RollbackTransaction)) } else { Ok(()) }
    });
    match (done, told) {
        (Ok(()), Some(told)) => Ok(told),
        (Err(_), Some(told)) if dry_run => Ok(told),
        (Err(error), _) => Err(error),
        (Ok(()), None) => Err(AppError::internal(RollbackTransaction)),
    }
}

/// For which version of the matrix the job was started.
#[derive(Debug, Serialize, Deserialize)]
struct Options {
    version: i32,
}

/// The last ticket that was looked at.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    after: Uuid,
}

/// Starts the job that gives every open ticket the priority that the matrix says, unless somebody chose it by hand. Fails
/// with `job_active` while one is at work.
pub fn apply_matrix(
    conn: &mut PgConnection,
    actor: &Actor,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    let version = triage::matrix(conn)?.version;
    seen.check(version)?;
    let options = json!(Options { version });
    let new = NewJob { kind: MATRIX_JOB, subject: "triage-matrix".into(), options };
    jobs::start(conn, actor, new, now)
}

/// One step of that job.
pub async fn matrix_job_step(db: Db, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
    db.tx(move |conn| step(conn, &job, now)).await
}

fn step(conn: &mut PgConnection, job: &Job, now: DateTime<Utc>) -> Result<Step, AppError> {
    let options: Options =
        serde_json::from_value(job.options.clone()).map_err(AppError::internal)?;
    let matrix = triage::matrix(conn)?;
    if matrix.version != options.version {
        return Ok(Step::Failed("the matrix was changed meanwhile; apply it again".into()));
    }
    let cursor: Option<Cursor> =
        job.cursor.clone().map(serde_json::from_value).transpose().map_err(AppError::internal)?;
    let cells = matrix.priorities.0.as_flattened();
    let total = match job.total {
        Some(total) => total,
        None => store::differing_count(conn, cells)?,
    };
    let after = cursor.map_or(Uuid::nil(), |cursor| cursor.after);
    let chunk = store::differing(conn, cells, after, CHUNK)?;
    let (last, full) = (chunk.last().map(|ticket| ticket.row.id.0), i64::try_from(chunk.len()));
    let mut changed = 0;
    for located in chunk {
        let mut held = held(conn, located)?;
        let ticket = &mut held.ticket;
        // Since it was found, somebody may have chosen the priority, closed or deleted it.
        let is_open = ticket.category.is_open() && ticket.deleted_at.is_none();
        let applies = is_open && !ticket.priority_manual;
        let Some((severity, impact)) = ticket.severity.zip(ticket.impact).filter(|_| applies)
        else {
            continue;
        };
        ticket.priority = matrix.priorities.priority(severity, impact);
        if held.ticket != held.before {
            let data = json!({ "job_id": job.id, "matrix_version": matrix.version });
            let told = Told { kind: EventType::TicketTriaged, public: true, data };
            held.save(conn, &Actor::system(), told, now)?;
            changed += 1;
        }
    }
    let done = job.done + changed;
    let progress = Progress {
        cursor: json!(Cursor { after: last.unwrap_or(after) }),
        done,
        total: Some(total.max(done)),
        found: job.found,
    };
    jobs::save(conn, job, &progress)?;
    Ok(if full.is_ok_and(|full| full < CHUNK) { Step::Done } else { Step::Next(now) })
}
