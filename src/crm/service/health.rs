//! How a connection is doing.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::{connection, subject};
use crate::crm::import::service as import;
use crate::crm::store::{self, Cause, Connection, Counted, Counts, ImportRow};
use crate::crm::{backfill, reconcile};
use crate::events;
use crate::jobs::{self, Job};
use crate::kernel::{AppError, ConnectionId};

/// How a connection is doing.
pub struct Health {
    pub connection: Connection,
    pub counts: Counts,
    pub parked: Vec<Cause>,
    pub backfill: Option<Job>,
    /// The last comparison of everything.
    pub reconcile: Option<Job>,
    pub import: Option<Job>,
    /// How the import of each kind ended last.
    pub imported: Vec<ImportRow>,
    /// How attempts ended in the last [`RECENT`].
    pub recent: Vec<Counted>,
    /// Since when changes wait to be published.
    pub unpublished: Option<DateTime<Utc>>,
}

/// What is recent in a connection's health.
pub const RECENT: TimeDelta = TimeDelta::minutes(15);

pub fn health(
    conn: &mut PgConnection,
    id: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Health, AppError> {
    let connection = connection(conn, id)?;
    // Read first: what is published meanwhile is counted then.
    let unpublished = events::waiting_since(conn)?;
    let (counts, parked) = (store::counts(conn, id)?, store::causes(conn, id, None)?);
    let recent = store::outcomes(conn, id, now - RECENT)?;
    let mut last = |kind, without: &[&str]| jobs::latest(conn, kind, &subject(id), without);
    let backfill = last(backfill::BACKFILL, &[])?;
    let reconcile = last(reconcile::RECONCILE, &reconcile::LIMITS)?;
    let (imported, import) = import::status(conn, id)?;
    Ok(Health {
        connection,
        counts,
        parked,
        recent,
        unpublished,
        backfill,
        reconcile,
        import,
        imported,
    })
}
