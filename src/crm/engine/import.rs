//! Brings the directory of a CRM to the desk, a page or a batch at a time.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::Engine;
use super::outcome::{Tried, connection_failed};
use crate::crm::CrmError;
use crate::crm::case::{RecordKind, RecordPage};
use crate::crm::import::matching::match_batch;
use crate::crm::import::service::{self as import, Options};
use crate::crm::store::{self, Connection, ConnectionState, ImportRow, ImportStep, LinkKind};
use crate::jobs::{self, Job, Progress, Step};
use crate::kernel::{AppError, ConnectionId};

/// How long an import waits for a connection that is paused, or for a CRM that does not answer.
const WAIT: TimeDelta = TimeDelta::seconds(5);

/// Where an import is.
enum Stage {
    /// It was begun or has matched a batch.
    Moved,
    /// A page is to be read.
    List(ImportRow),
    Done,
}

impl Engine {
    /// One step of an import: reads a page, or matches a batch.
    pub async fn import(self, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
        let options: Options =
            serde_json::from_value(job.options.clone()).map_err(AppError::internal)?;
        let id = options.connection_id;
        let connection = self.0.db.read(move |conn| Ok(store::connection(conn, id)?)).await?;
        let Some(connection) = connection else {
            return Ok(Step::Failed("the connection was removed".into()));
        };
        if connection.state == ConnectionState::Paused {
            return Ok(Step::Wait(now + WAIT, "the connection is paused".into()));
        }
        let (held, mine) = (job.clone(), connection.clone());
        let stage = self.0.db.tx(move |conn| stage(conn, &held, &options, &mine, now)).await?;
        let row = match stage {
            Stage::Moved => return Ok(Step::Next(now)),
            Stage::Done => return Ok(Step::Done),
            Stage::List(row) => row,
        };
        if let Some(until) = connection.not_before.filter(|until| *until > now) {
            return Ok(Step::Wait(until, "the CRM does not answer".into()));
        }
        let page = self.page(&connection, &row).await;
        self.0.db.tx(move |conn| take_page(conn, &job, &connection, row, page, now)).await
    }

    async fn page(&self, connection: &Connection, row: &ImportRow) -> Result<RecordPage, CrmError> {
        let kind = match row.kind {
            LinkKind::Agent => RecordKind::User,
            LinkKind::Account => RecordKind::Account,
            LinkKind::Contact => RecordKind::Contact,
            LinkKind::Product => RecordKind::Product,
        };
        let adapter = &self.crm(connection)?.adapter;
        adapter.records(kind, row.since, row.position.as_deref()).await
    }

    /// Starts the import of a connection that is due; false when none is.
    pub async fn import_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        self.0.db.quiet_tx(move |conn| import::start_due(conn, now)).await
    }
}

/// What needs no CRM: begins the import, or matches the next batch.
fn stage(
    conn: &mut PgConnection,
    job: &Job,
    options: &Options,
    connection: &Connection,
    now: DateTime<Utc>,
) -> Result<Stage, AppError> {
    // Keeps the connection from being removed under the records.
    if !store::keep_connection(conn, connection.id)? {
        return Ok(Stage::Done);
    }
    let settings = connection.settings()?.import;
    if job.cursor.is_none() {
        import::begin(conn, options, &settings, now)?;
        save(conn, job, connection.id)?;
        return Ok(Stage::Moved);
    }
    let Some(mut row) = import::current(conn, connection.id)? else { return Ok(Stage::Done) };
    if row.step == ImportStep::List {
        return Ok(Stage::List(row));
    }
    let handling = settings.handling(row.kind);
    if !match_batch(conn, &import::actor(connection), &mut row, handling, now)? {
        (row.step, row.position) = (ImportStep::Done, None);
    }
    store::save_import(conn, &row)?;
    save(conn, job, connection.id)?;
    Ok(Stage::Moved)
}

/// Keeps a page, or notes why there is none. With the last page of a listing, the watermark moves.
fn take_page(
    conn: &mut PgConnection,
    job: &Job,
    connection: &Connection,
    mut row: ImportRow,
    page: Result<RecordPage, CrmError>,
    now: DateTime<Utc>,
) -> Result<Step, AppError> {
    if !store::keep_connection(conn, connection.id)? {
        return Ok(Step::Failed("the connection was removed".into()));
    }
    let page = match page {
        Ok(page) => page,
        Err(error @ (CrmError::Permanent { .. } | CrmError::NotFound { .. })) => {
            // The other kinds can be listed all the same.
            row.error = Some(error.to_string());
            (row.step, row.position) = (ImportStep::Done, None);
            store::save_import(conn, &row)?;
            save(conn, job, connection.id)?;
            return Ok(Step::Next(now));
        }
        Err(error) => {
            connection_failed(conn, &Tried { connection, ticket: None, began: now }, &error, now)?;
            return Ok(Step::Wait(now + WAIT, error.to_string()));
        }
    };
    store::keep_records(conn, &row, &page.records)?;
    row.listed += i32::try_from(page.records.len()).unwrap_or_default();
    row.position = page.next;
    if row.position.is_none() {
        row.step = ImportStep::Match;
        row.watermark = row.started_at;
        // A user's stamp need not move, so users are listed whole in any case.
        if row.since.is_none() {
            store::mark_gone(conn, &row)?;
            row.whole_at = row.started_at;
        }
    }
    store::save_import(conn, &row)?;
    store::succeeded(conn, connection.id, connection.flow()?.limit, now)?;
    save(conn, job, connection.id)?;
    Ok(Step::Next(now))
}

/// Saves how far the job is with what the step did; undoes that when the job is no longer ours.
fn save(conn: &mut PgConnection, job: &Job, connection: ConnectionId) -> Result<(), AppError> {
    let rows = store::imports(conn, connection)?;
    let sum = |of: fn(&ImportRow) -> i32| rows.iter().map(|row| i64::from(of(row))).sum();
    let progress = Progress {
        cursor: json!({ "begun": true }),
        done: sum(|row| row.listed),
        total: None,
        found: sum(|row| row.created + row.updated + row.linked + row.unmapped),
    };
    jobs::save(conn, job, &progress)
}
