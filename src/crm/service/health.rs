//! How a connection is doing.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::{connection, subject};
use crate::crm::store::{self, Cause, Connection, Counted, Counts};
use crate::crm::{backfill, reconcile};
use crate::events;
use crate::jobs::{self, Job};
use crate::kernel::{AppError, ConnectionId};

/// How a connection is doing.
pub struct Health {
    pub connection: Connection,
    pub counts: Counts,
    pub parked: Vec<Cause>,
    /// The last job of each kind.
    pub backfill: Option<Job>,
    pub reconcile: Option<Job>,
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
    let mut last = |kind| jobs::latest(conn, kind, &subject(id));
    let (backfill, reconcile) = (last(backfill::BACKFILL)?, last(reconcile::RECONCILE)?);
    Ok(Health { connection, counts, parked, recent, unpublished, backfill, reconcile })
}
