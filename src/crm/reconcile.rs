//! Compares every ticket with its case, also in what no feed of a CRM shows: deletions, contacts, notes.
//!
//! A job, so it goes on after a crash. It only reads: what it comes upon is recorded, and what is to be put right is
//! marked for the engine, which merges as always. It asks the CRM for no more cases a second than it was told, and
//! leaves it alone while the connection is paused or during an outage.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::engine::{Engine, Reading, Tried, connection_failed};
use super::settings::ReconcileMode;
use super::store::{
    self, Connection, ConnectionState, Difference, DifferenceFilter, MirrorState, Repair, Scope,
};
use super::{CrmError, rules, service};
use crate::jobs::{self, Job, NewJob, Progress, Step};
use crate::kernel::{Actor, AppError, ConnectionId, JobId, Page, PageRequest, TicketId};

/// The kind of these jobs.
pub const RECONCILE: &str = "crm_reconcile";

/// Tickets of a step.
const CHUNK: i32 = 20;
/// How often a case is asked for that the CRM does not tell, while it tells others.
const TRIES: i32 = 3;
/// Between two looks whether a paused connection is active again.
const PAUSED: TimeDelta = TimeDelta::seconds(10);
/// Between two tries, at the most.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(1);

/// The options that limit a comparison to some tickets.
pub const LIMITS: [&str; 2] = ["ticket_ids", "states"];

/// What a comparison is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    pub connection_id: ConnectionId,
    pub mode: ReconcileMode,
    /// Only these tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_ids: Option<Vec<TicketId>>,
    /// Only tickets whose mirrors are in these states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states: Option<Vec<MirrorState>>,
    /// Cases that the CRM is asked for, at the most.
    pub cases_per_second: u32,
}

impl Options {
    /// Of everything, at the usual pace.
    pub fn new(connection_id: ConnectionId, mode: ReconcileMode) -> Self {
        Self { connection_id, mode, ticket_ids: None, states: None, cases_per_second: 20 }
    }

    fn of(job: &Job) -> Result<Self, AppError> {
        serde_json::from_value(job.options.clone()).map_err(AppError::internal)
    }

    fn scope(&self) -> Scope {
        let ids = |tickets: &Vec<TicketId>| tickets.iter().map(|id| id.0).collect();
        Scope { tickets: self.ticket_ids.as_ref().map(ids), states: self.states.clone() }
    }

    /// The time that so many cases take.
    fn pace(&self, cases: usize) -> TimeDelta {
        let cases = i64::try_from(cases).unwrap_or_default();
        TimeDelta::milliseconds(cases * 1000 / i64::from(self.cases_per_second.max(1)))
    }
}

/// The last ticket that was compared, and how often the one behind it was tried.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Cursor {
    after: Uuid,
    tries: i32,
}

/// Starts a comparison. Fails with `job_active` while one of this connection is at work.
pub fn start(
    conn: &mut PgConnection,
    actor: &Actor,
    options: &Options,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    let connection = service::called_connection(conn, options.connection_id)?;
    let subject = service::subject(connection.id);
    jobs::start(conn, actor, NewJob { kind: RECONCILE, subject, options: json!(options) }, now)
}

/// Starts the comparison of one connection whose time has come; false when there is none.
pub fn start_scheduled(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let Some(id) = store::claim_scheduled(conn, now)? else { return Ok(false) };
    let mode = service::connection(conn, id)?.settings()?.reconcile_mode;
    match start(conn, &Actor::system(), &Options::new(id, mode), now) {
        // Somebody has started one by hand.
        Ok(_) | Err(AppError::Conflict { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

fn comparison(conn: &mut PgConnection, id: JobId) -> Result<Job, AppError> {
    let job = jobs::get(conn, id)?;
    if job.kind == RECONCILE { Ok(job) } else { Err(AppError::NotFound("the comparison")) }
}

/// What a comparison came upon so far.
pub fn differences(
    conn: &mut PgConnection,
    job: JobId,
    filter: &DifferenceFilter,
    request: &PageRequest,
) -> Result<Page<Difference>, AppError> {
    comparison(conn, job)?;
    let after = request.cursor.as_ref().map(|cursor| cursor.id);
    let (backward, limit) = (request.backward(), request.fetch());
    let rows = store::differences(conn, job, filter, after, backward, limit)?;
    Ok(request.page(rows, |row| (serde_json::Value::Null, row.id.0)))
}

/// Has the mirror put differences right; returns how many tickets they are of.
pub fn repair(
    conn: &mut PgConnection,
    job: JobId,
    which: &Repair,
    now: DateTime<Utc>,
) -> Result<usize, AppError> {
    comparison(conn, job)?;
    usize::try_from(store::repair(conn, job, which, now)?).map_err(AppError::internal)
}

/// How many tickets of a comparison the mirror has still to put right.
pub fn being_repaired(conn: &mut PgConnection, job: JobId) -> Result<i64, AppError> {
    Ok(store::being_repaired(conn, job)?)
}

/// What a step has read.
struct Part {
    job: Job,
    options: Options,
    connection: Connection,
    cursor: Cursor,
    total: i64,
    /// The tickets that were told, in order.
    told: Vec<Reading>,
    /// True when no ticket is left.
    last: bool,
}

impl Engine {
    /// One step of a comparison.
    pub async fn reconcile(self, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
        let options = Options::of(&job)?;
        let id = options.connection_id;
        let connection = self.db().read(move |conn| Ok(store::connection(conn, id)?)).await?;
        let Some(connection) = connection else {
            return Ok(Step::Failed("the connection was removed".into()));
        };
        if let Some(wait) = held_back(&connection, now) {
            return Ok(wait);
        }
        let cursor: Option<Cursor> = job
            .cursor
            .clone()
            .map(serde_json::from_value)
            .transpose()
            .map_err(AppError::internal)?;
        let cursor = cursor.unwrap_or_default();
        let (scope, counted, after) = (options.scope(), job.total, cursor.after);
        let next = self.db().read(move |conn| {
            let total = match counted {
                Some(total) => total,
                None => store::count_compared(conn, id, &scope)?,
            };
            Ok((total, store::next_compared(conn, id, &scope, after, CHUNK)?))
        });
        let (total, tickets) = next.await?;
        let asked = tickets.len();
        let (mut told, mut failed) = self.compare(&connection, job.id, tickets, now).await?;
        if let Some((ticket, error @ CrmError::Transient { .. })) = &failed
            && cursor.tries >= TRIES
            && told.is_empty()
            && self.tells_anything(&connection).await
        {
            told.push(Reading::unreadable(job.id, connection.id, *ticket, error.to_string()));
            failed = None;
        }
        // What comes behind a case that was given up is the next step's.
        let last = told.len() == asked && i32::try_from(asked).is_ok_and(|asked| asked < CHUNK);
        let part = Part { job, options, connection, cursor, total, told, last };
        self.db().quiet_tx(move |conn| part.save(conn, failed.map(|(_, error)| error), now)).await
    }
}

/// Why the CRM must not be asked now.
fn held_back(connection: &Connection, now: DateTime<Utc>) -> Option<Step> {
    if connection.state == ConnectionState::Paused {
        return Some(Step::Wait(now + PAUSED, "the connection is paused".into()));
    }
    let until = connection.not_before.filter(|until| *until > now)?;
    Some(Step::Wait(until, "the CRM does not answer, or asked for fewer requests".into()))
}

impl Part {
    /// Records what was found and how far the comparison is, in one transaction; says what is next.
    fn save(
        self,
        conn: &mut PgConnection,
        failed: Option<CrmError>,
        now: DateTime<Utc>,
    ) -> Result<Step, AppError> {
        let found: Vec<Difference> =
            self.told.iter().flat_map(|reading| reading.found.clone()).collect();
        let drift = found.iter().filter(|difference| difference.action.is_drift());
        let drift: Vec<_> = drift.map(|difference| difference.id).collect();
        let compared = self.told.len();
        let tries = if compared == 0 { self.cursor.tries } else { 0 };
        let cursor = Cursor {
            after: self.told.last().map_or(self.cursor.after, |reading| reading.ticket.0),
            tries: if failed.is_some() { tries + 1 } else { tries },
        };
        let done = self.job.done + i64::try_from(compared).unwrap_or_default();
        let progress = Progress {
            cursor: json!(cursor),
            done,
            // Tickets were opened since they were counted.
            total: Some(self.total.max(done)),
            found: self.job.found + i64::try_from(drift.len()).unwrap_or_default(),
        };
        jobs::save(conn, &self.job, &progress)?;
        store::insert_differences(conn, &found)?;
        if self.options.mode == ReconcileMode::Repair && !drift.is_empty() {
            store::repair(conn, self.job.id, &Repair::These(drift), now)?;
        }
        if let Some(error) = failed {
            let tried = Tried { connection: &self.connection, ticket: None, began: now };
            connection_failed(conn, &tried, &error, now)?;
            let pause = rules::backoff(cursor.tries, rand::random()).min(LONGEST_WAIT);
            return Ok(Step::Wait(now + pause, error.to_string()));
        }
        if compared > 0 {
            store::succeeded(conn, self.connection.id, self.connection.flow()?.limit, now)?;
        }
        Ok(if self.last { Step::Done } else { Step::Next(now + self.options.pace(compared)) })
    }
}
