//! Use cases of jobs.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::store::{self, Filter, Job, Progress, Row};
use crate::kernel::{Actor, AppError, JobId, Page, PageRequest};

/// How long a job that has ended is kept, with what it found.
const KEEP: TimeDelta = TimeDelta::days(30);

const NOT_FOUND: AppError = AppError::NotFound("the job");

/// A job to be started.
#[derive(Debug)]
pub struct NewJob {
    pub kind: &'static str,
    /// What it is about, such as `crm_connection/<id>`.
    pub subject: String,
    /// What the steps need to know.
    pub options: Value,
}

/// Starts a job. Fails with `job_active` while another of its kind is at work on its subject.
pub fn start(
    conn: &mut PgConnection,
    actor: &Actor,
    new: NewJob,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    let row = Row {
        id: JobId::new(),
        kind: new.kind,
        subject: new.subject,
        options: new.options,
        started_by: actor.id,
        started_by_name: actor.name.clone(),
        created_at: now,
    };
    store::forget(conn, &row.subject, now - KEEP)?;
    if let Some(job) = store::insert(conn, &row)? {
        return Ok(job);
    }
    let which = match store::latest(conn, row.kind, &row.subject, &[])? {
        Some(other) => format!(": {}", other.id),
        None => String::new(),
    };
    Err(AppError::conflict("job_active", format!("such a job is at work already{which}")))
}

pub fn get(conn: &mut PgConnection, id: JobId) -> Result<Job, AppError> {
    store::find(conn, id)?.ok_or(NOT_FOUND)
}

/// The job of this kind that was started last on this subject, of those that were asked for without any of these options.
pub fn latest(
    conn: &mut PgConnection,
    kind: &str,
    subject: &str,
    without: &[&str],
) -> Result<Option<Job>, AppError> {
    Ok(store::latest(conn, kind, subject, without)?)
}

pub fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Job>, AppError> {
    let after = request.cursor.as_ref().map(|cursor| cursor.id);
    let rows = store::list(conn, filter, after, request.backward(), request.fetch())?;
    Ok(request.page(rows, |job| (Value::Null, job.id.0)))
}

/// Cancels a job; once more does nothing. What it did stays. Fails with `job_finished` when it has ended otherwise.
pub fn cancel(conn: &mut PgConnection, id: JobId, now: DateTime<Utc>) -> Result<Job, AppError> {
    if let Some(job) = store::cancel(conn, id, now)? {
        return Ok(job);
    }
    let job = get(conn, id)?;
    if job.state == store::JobState::Cancelled {
        return Ok(job);
    }
    Err(AppError::conflict("job_finished", format!("the job has {} already", job.state)))
}

/// Cancels whatever is at work on a subject that is about to be removed.
pub fn cancel_all(
    conn: &mut PgConnection,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::cancel_all(conn, subject, now)?;
    Ok(())
}

/// Saves how far the job is. Call it in the transaction of what the step did: it fails, and so undoes that, when the
/// job was cancelled or taken over meanwhile.
pub fn save(conn: &mut PgConnection, job: &Job, progress: &Progress) -> Result<(), AppError> {
    match store::save(conn, job, progress)? {
        1 => Ok(()),
        _ => Err(AppError::unavailable(anyhow::anyhow!("the job was cancelled or taken over"))),
    }
}
