//! Queries of the jobs. What a turn reports counts only while it holds the lease.
use chrono::{DateTime, Utc};
use diesel::dsl::not;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::jobs::{self, dsl};
use crate::kernel::{JobId, text_enum};

text_enum! {
    /// How a job stands.
    JobState {
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

const ACTIVE: [JobState; 2] = [JobState::Queued, JobState::Running];

impl JobState {
    pub fn is_active(self) -> bool {
        ACTIVE.contains(&self)
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub subject: String,
    pub state: JobState,
    pub options: Value,
    pub cursor: Option<Value>,
    pub done: i64,
    pub total: Option<i64>,
    pub found: i64,
    pub waits_for: Option<String>,
    pub error: Option<String>,
    pub attempts: i32,
    pub fence: i64,
    pub started_by: Uuid,
    pub started_by_name: String,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = jobs)]
pub struct Row {
    pub id: JobId,
    pub kind: &'static str,
    pub subject: String,
    pub options: Value,
    pub started_by: Uuid,
    pub started_by_name: String,
    pub created_at: DateTime<Utc>,
}

/// Inserts the job; `None` while another of its kind is at work on its subject.
pub fn insert(conn: &mut PgConnection, row: &Row) -> QueryResult<Option<Job>> {
    diesel::insert_into(jobs::table)
        .values(row)
        .on_conflict_do_nothing()
        .returning(Job::as_returning())
        .get_result(conn)
        .optional()
}

pub fn find(conn: &mut PgConnection, id: JobId) -> QueryResult<Option<Job>> {
    jobs::table.find(id).select(Job::as_select()).first(conn).optional()
}

/// The job of this kind that was started last, of those that were asked for without any of these options.
pub fn latest(
    conn: &mut PgConnection,
    kind: &str,
    subject: &str,
    without: &[&str],
) -> QueryResult<Option<Job>> {
    jobs::table
        .filter(dsl::kind.eq(kind).and(dsl::subject.eq(subject)))
        .filter(not(dsl::options.has_any_key(without)))
        .order(dsl::id.desc())
        .select(Job::as_select())
        .first(conn)
        .optional()
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub kind: Option<String>,
    pub subject: Option<String>,
    pub state: Option<JobState>,
}

/// A page of jobs, the newest first.
pub fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Job>> {
    let mut query = jobs::table.select(Job::as_select()).limit(limit).into_boxed();
    if let Some(kind) = &filter.kind {
        query = query.filter(dsl::kind.eq(kind));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(dsl::subject.eq(subject));
    }
    if let Some(state) = filter.state {
        query = query.filter(dsl::state.eq(state));
    }
    query = match (after, backward) {
        (Some(id), true) => query.filter(dsl::id.gt(id)),
        (Some(id), false) => query.filter(dsl::id.lt(id)),
        (None, _) => query,
    };
    if backward { query.order(dsl::id).load(conn) } else { query.order(dsl::id.desc()).load(conn) }
}

/// Takes the lease on the job of these kinds that has been due for longest.
pub fn claim(
    conn: &mut PgConnection,
    kinds: &[&str],
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> QueryResult<Option<Job>> {
    #[derive(QueryableByName)]
    struct Claimed {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let claimed: Option<Claimed> = diesel::sql_query(
        "update jobs set state = 'running', started_at = coalesce(started_at, $2), run_at = $3, fence = fence + 1
          where id = (select id from jobs where state in ('queued', 'running') and run_at <= $2 and kind = any($1)
                       order by run_at limit 1 for update skip locked)
          returning id",
    )
    .bind::<Array<Text>, _>(kinds)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(lease_until)
    .get_result(conn)
    .optional()?;
    claimed.map(|row| jobs::table.find(row.id).select(Job::as_select()).first(conn)).transpose()
}

type Held = diesel::dsl::Filter<
    diesel::dsl::Filter<diesel::dsl::Find<jobs::table, JobId>, diesel::dsl::Eq<dsl::fence, i64>>,
    diesel::dsl::Eq<dsl::state, JobState>,
>;

/// The job while this turn holds it: nobody has taken it over, cancelled it or ended it.
fn held(job: &Job) -> Held {
    jobs::table
        .find(job.id)
        .filter(dsl::fence.eq(job.fence))
        .filter(dsl::state.eq(JobState::Running))
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = jobs)]
pub struct Progress {
    pub cursor: Value,
    pub done: i64,
    pub total: Option<i64>,
    /// How many things it came upon that it looks for.
    pub found: i64,
}

pub fn save(conn: &mut PgConnection, job: &Job, progress: &Progress) -> QueryResult<usize> {
    diesel::update(held(job)).set(progress).execute(conn)
}

/// Renews the lease.
pub fn renew(conn: &mut PgConnection, job: &Job, until: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(held(job)).set(dsl::run_at.eq(until)).execute(conn)
}

/// Gives the job back; its next step is due at `next`.
pub fn release(
    conn: &mut PgConnection,
    job: &Job,
    next: DateTime<Utc>,
    waits_for: Option<&str>,
    attempts: i32,
) -> QueryResult<usize> {
    diesel::update(held(job))
        .set((dsl::run_at.eq(next), dsl::waits_for.eq(waits_for), dsl::attempts.eq(attempts)))
        .execute(conn)
}

/// Ends the job.
pub fn finish(
    conn: &mut PgConnection,
    job: &Job,
    state: JobState,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(held(job))
        .set((
            dsl::state.eq(state),
            dsl::error.eq(error),
            dsl::waits_for.eq(None::<String>),
            dsl::finished_at.eq(now),
        ))
        .execute(conn)
}

/// Cancels the job unless it has ended.
pub fn cancel(conn: &mut PgConnection, id: JobId, now: DateTime<Utc>) -> QueryResult<Option<Job>> {
    diesel::update(jobs::table.find(id).filter(dsl::state.eq_any(ACTIVE)))
        .set((
            dsl::state.eq(JobState::Cancelled),
            dsl::waits_for.eq(None::<String>),
            dsl::finished_at.eq(now),
        ))
        .returning(Job::as_returning())
        .get_result(conn)
        .optional()
}

/// Cancels every job about the subject that has not ended.
pub fn cancel_all(
    conn: &mut PgConnection,
    subject: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let active = jobs::table.filter(dsl::subject.eq(subject)).filter(dsl::state.eq_any(ACTIVE));
    diesel::update(active)
        .set((
            dsl::state.eq(JobState::Cancelled),
            dsl::waits_for.eq(None::<String>),
            dsl::finished_at.eq(now),
        ))
        .execute(conn)
}

/// Forgets the jobs about the subject that ended before `before`.
pub fn forget(conn: &mut PgConnection, subject: &str, before: DateTime<Utc>) -> QueryResult<usize> {
    let old = jobs::table.filter(dsl::subject.eq(subject)).filter(dsl::finished_at.lt(before));
    diesel::delete(old).execute(conn)
}
