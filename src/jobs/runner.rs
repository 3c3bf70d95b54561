//! Does the jobs, step by step.
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::store::{self, Job, JobState};
use crate::db::{Db, LEASE, later};
use crate::kernel::AppError;

/// Steps in a row that may fail before the job does.
const MAX_ATTEMPTS: i32 = 6;
/// After the first failure; doubles with each.
const BACKOFF: TimeDelta = TimeDelta::seconds(2);

/// What is next for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Another step, at this time or later.
    Next(DateTime<Utc>),
    /// Nothing can be done before this time, for this reason.
    Wait(DateTime<Utc>, String),
    /// All is done.
    Done,
    /// It can never be done, for this reason.
    Failed(String),
}

type Turn = BoxFuture<'static, Result<Step, AppError>>;

/// A kind of job that this process can do.
pub struct Kind {
    key: &'static str,
    work: Box<dyn Fn(Job, DateTime<Utc>) -> Turn + Send + Sync>,
}

impl Kind {
    /// `step` does one step of a job, and saves with it how far the job is; it gets `context` and the time.
    pub fn new<C, F, Fut>(key: &'static str, context: &C, step: F) -> Self
    where
        C: Clone + Send + Sync + 'static,
        F: Fn(C, Job, DateTime<Utc>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Step, AppError>> + Send + 'static,
    {
        let context = context.clone();
        Self { key, work: Box::new(move |job, now| step(context.clone(), job, now).boxed()) }
    }
}

/// The steps of every kind of job that this process can do; cheap to clone.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    db: Db,
    kinds: Vec<Kind>,
    halted: CancellationToken,
}

impl Runner {
    pub fn new(db: Db, kinds: Vec<Kind>) -> Self {
        Self(Arc::new(Inner { db, kinds, halted: CancellationToken::new() }))
    }

    /// Gives up what is under way, as a crash would, but gives the leases back: whoever comes next goes on at once.
    pub fn halt(&self) {
        self.0.halted.cancel();
    }

    /// Does one step of the job that has been due for longest; false when none is. Several loops of this work on as many jobs
    /// at a time, and none of them waits for another.
    pub async fn step_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let kinds: Vec<&'static str> = self.0.kinds.iter().map(|kind| kind.key).collect();
        let claimed =
            self.0.db.quiet_tx(move |conn| Ok(store::claim(conn, &kinds, now, now + LEASE)?));
        let Some(job) = claimed.await? else { return Ok(false) };
        self.turn(job, now).await?;
        Ok(true)
    }

    /// One step of a claimed job, and what became of it. A failure of the service itself is told too.
    async fn turn(&self, job: Job, now: DateTime<Utc>) -> Result<(), AppError> {
        let Some(kind) = self.0.kinds.iter().find(|kind| kind.key == job.kind) else {
            return Ok(());
        };
        let (began, held) = (Instant::now(), job.clone());
        let renew = move |conn: &mut _, until| Ok(store::renew(conn, &held, until)? == 1);
        let done = tokio::select! {
            done = AssertUnwindSafe((kind.work)(job.clone(), now)).catch_unwind() => {
                let panicked = |_| Err(AppError::Internal(anyhow::anyhow!("a step panicked")));
                done.unwrap_or_else(panicked)
            }
            () = self.0.db.lease_lost(now, renew) => return Ok(()),
            () = self.0.halted.cancelled() => Ok(Step::Next(now)),
        };
        let now = later(now, began);
        self.0.db.quiet_tx(move |conn| record(conn, &job, done, now)).await?.map_or(Ok(()), Err)
    }
}

/// Records what became of a step; returns the failure that is the service's own. What somebody reports who does not hold
/// the job any more changes nothing.
fn record(
    conn: &mut PgConnection,
    job: &Job,
    done: Result<Step, AppError>,
    now: DateTime<Utc>,
) -> Result<Option<AppError>, AppError> {
    let (id, kind) = (job.id, job.kind.as_str());
    let error = match done {
        Ok(Step::Next(at)) => {
            store::release(conn, job, at, None, 0)?;
            return Ok(None);
        }
        Ok(Step::Wait(until, reason)) => {
            store::release(conn, job, until, Some(&reason), 0)?;
            return Ok(None);
        }
        Ok(Step::Done) => {
            if store::finish(conn, job, JobState::Succeeded, None, now)? == 1 {
                tracing::debug!(%id, kind, "a job has succeeded");
            }
            return Ok(None);
        }
        Ok(Step::Failed(reason)) => {
            store::finish(conn, job, JobState::Failed, Some(&reason), now)?;
            tracing::warn!(%id, kind, reason, "a job has failed");
            return Ok(None);
        }
        Err(error) => error,
    };
    let attempts = job.attempts + 1;
    let held = if attempts >= MAX_ATTEMPTS {
        store::finish(conn, job, JobState::Failed, Some("an internal error occurred"), now)?
    } else {
        let next = now + BACKOFF * 2_i32.pow(attempts.clamp(1, 10).unsigned_abs() - 1);
        store::release(conn, job, next, Some("an internal error; trying again"), attempts)?
    };
    Ok((held == 1).then_some(error))
}
