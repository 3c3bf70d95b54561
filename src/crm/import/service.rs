//! Use cases of the directory import.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::rules::Handling;
use crate::crm::service::{called_connection, connection, subject};
use crate::crm::settings::ImportSettings;
use crate::crm::store::{self, Connection, ImportRow, ImportStep, LinkKind, UnmappedRow};
use crate::jobs::{self, Job, NewJob};
use crate::kernel::{Actor, AppError, ConnectionId, Origin, Page, PageRequest, Role};

/// The kind of these jobs.
pub const IMPORT: &str = "crm_import";

/// Listed once more before the time of the last import: what was saved while it ran, by clocks that do not agree.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// How often everything is listed, which shows what was deleted.
const WHOLE: TimeDelta = TimeDelta::hours(24);

/// Users first: they are few, and tickets wait for them. Contacts last: they need their accounts.
pub const ORDER: [LinkKind; 4] =
    [LinkKind::Agent, LinkKind::Account, LinkKind::Product, LinkKind::Contact];

/// What an import was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Options {
    pub connection_id: ConnectionId,
    /// List everything, not only what changed.
    pub whole: bool,
}

/// Starts an import. Fails with `job_active` while another one of the connection is at work.
pub fn start(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ConnectionId,
    whole: bool,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    called_connection(conn, id)?;
    let options = json!(Options { connection_id: id, whole });
    jobs::start(conn, actor, NewJob { kind: IMPORT, subject: subject(id), options }, now)
}

/// Starts the import of a connection whose schedule says so; false when none does.
pub fn start_due(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let Some((id, whole_at)) = store::due_import(conn, IMPORT, now)? else { return Ok(false) };
    let whole = whole_at.is_none_or(|at| now - at >= WHOLE);
    match start(conn, &Actor::system(), id, whole, now) {
        Ok(_) => Ok(true),
        // Another replica was quicker.
        Err(AppError::Conflict { code: "job_active", .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Notes that an import begins: every kind that is switched on is to be listed.
pub fn begin(
    conn: &mut PgConnection,
    options: &Options,
    settings: &ImportSettings,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let before = store::imports(conn, options.connection_id)?;
    for kind in ORDER {
        let last = before.iter().find(|row| row.kind == kind);
        let (watermark, whole_at) = last.map_or((None, None), |row| (row.watermark, row.whole_at));
        let whole = options.whole || whole_at.is_none();
        let since = watermark.filter(|_| !whole).map(|watermark| watermark - OVERLAP);
        let off = settings.handling(kind) == Handling::Off;
        let row = ImportRow {
            connection_id: options.connection_id,
            kind,
            run: last.map_or(0, |row| row.run) + 1,
            step: if off { ImportStep::Done } else { ImportStep::List },
            position: None,
            since,
            started_at: Some(now),
            watermark,
            whole_at,
            error: None,
            listed: 0,
            created: 0,
            updated: 0,
            linked: 0,
            unmapped: 0,
        };
        store::save_import(conn, &row)?;
    }
    Ok(())
}

/// The kind that the import is at; `None` when it is done.
pub fn current(
    conn: &mut PgConnection,
    connection: ConnectionId,
) -> Result<Option<ImportRow>, AppError> {
    let mut rows = store::imports(conn, connection)?;
    rows.retain(|row| row.step != ImportStep::Done);
    let place = |row: &ImportRow| ORDER.iter().position(|kind| *kind == row.kind);
    Ok(rows.into_iter().min_by_key(place))
}

/// What the last import of each kind came to, with its job.
pub fn status(
    conn: &mut PgConnection,
    id: ConnectionId,
) -> Result<(Vec<ImportRow>, Option<Job>), AppError> {
    connection(conn, id)?;
    let mut rows = store::imports(conn, id)?;
    rows.sort_by_key(|row| ORDER.iter().position(|kind| *kind == row.kind));
    Ok((rows, jobs::latest(conn, IMPORT, &subject(id), &[])?))
}

/// A page of what is linked to nothing, or whose link somebody should see to, in the order of the CRM's ids.
pub fn unmapped(
    conn: &mut PgConnection,
    id: ConnectionId,
    kind: LinkKind,
    request: &PageRequest,
) -> Result<Page<UnmappedRow>, AppError> {
    connection(conn, id)?;
    let after = request.cursor.as_ref().and_then(|cursor| cursor.key.as_str().map(str::to_owned));
    let rows =
        store::unmapped(conn, id, kind, after.as_deref(), request.backward(), request.fetch())?;
    Ok(request.page(rows, |row| (json!(row.remote_id), Uuid::nil())))
}

/// The connection as the one who changes the desk.
pub fn actor(connection: &Connection) -> Actor {
    Actor {
        id: connection.id.0,
        role: Role::Integration,
        name: connection.name.clone(),
        permissions: Vec::new(),
        origin: Origin::Crm,
        departments: Vec::new(),
        accounts: Vec::new(),
    }
}
