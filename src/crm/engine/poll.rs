//! Looks for changes in the CRMs.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::Engine;
use super::outcome::{Tried, connection_failed, told_nothing};
use crate::crm::CrmError;
use crate::crm::adapters::{Changes, Position};
use crate::crm::case::RemoteCase;
use crate::crm::merge::Agreement;
use crate::crm::store::{self, Connection, Mirror};
use crate::db::LEASE;
use crate::kernel::AppError;

/// A watermark that is further back than this is caught up at once.
const BEHIND: TimeDelta = TimeDelta::minutes(5);

impl Engine {
    /// Polls one connection that is due; false when none is.
    pub async fn poll_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let claimed =
            self.0.db.quiet_tx(move |conn| Ok(store::claim_poll(conn, now, now + LEASE)?));
        let Some(connection) = claimed.await? else { return Ok(false) };
        let (id, fence) = (connection.id, connection.poll_fence);
        let renew = move |conn: &mut _, until| store::postpone_poll(conn, id, fence, until);
        let changes = tokio::select! {
            changes = self.changes(&connection, now) => changes,
            // Another replica has started over; it will see the same.
            () = self.0.db.lease_lost(now, renew) => return Ok(true),
            () = self.0.halted.cancelled() => {
                let given_up = self.0.db.quiet_tx(move |conn| {
                    if renew(conn, now)? { told_nothing(conn, &connection) } else { Ok(()) }
                });
                given_up.await?;
                return Ok(false);
            }
        };
        if let Err(error) = &changes {
            tracing::warn!(connection = connection.name, %error, "changes were not read");
            let class = error.class().to_owned();
            let labels = [("connection", connection.name.clone()), ("class", class)];
            metrics::counter!("mirror_poll_failures_total", &labels).increment(1);
        }
        self.0.db.quiet_tx(move |conn| take(conn, &connection, changes, now)).await?;
        self.wake();
        Ok(true)
    }

    async fn changes(
        &self,
        connection: &Connection,
        now: DateTime<Utc>,
    ) -> Result<Changes, CrmError> {
        let from = Position { time: connection.watermark, cursor: connection.feed_cursor.clone() };
        self.crm(connection)?.adapter.changed_since(&from, now).await
    }
}

/// Marks what differs from the agreement and moves the watermark, in one transaction.
fn take(
    conn: &mut PgConnection,
    connection: &Connection,
    changes: Result<Changes, CrmError>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let id = connection.id;
    let interval = TimeDelta::seconds(i64::from(connection.settings()?.poll_seconds));
    let changes = match changes {
        Ok(changes) => changes,
        Err(error) => return failed(conn, connection, &error, now, now + interval),
    };
    let cases: Vec<String> = changes.cases.iter().map(|case| case.id.clone()).collect();
    let mirrors = store::mirrors_of_cases(conn, id, &cases)?;
    let differing: Vec<String> = changes
        .cases
        .iter()
        .filter(|case| mirrors.iter().any(|mirror| differs(mirror, case)))
        .map(|case| case.id.clone())
        .collect();
    store::mark_cases(conn, id, &differing, false)?;
    store::mark_cases(conn, id, &changes.deleted, false)?;
    let notes: Vec<String> = changes.notes.iter().map(|(_, note)| note.id.clone()).collect();
    let known = store::known_notes(conn, id, &notes)?;
    let unknown = changes.notes.into_iter().filter(|(_, note)| !known.contains(&note.id));
    let cases: Vec<String> = unknown.map(|(case, _)| case).collect();
    store::mark_cases(conn, id, &cases, true)?;
    // The connection is locked behind the mirrors, here as everywhere.
    let behind = now - changes.position.time > BEHIND;
    let next = if behind { now } else { now + interval };
    // When another replica has started over, it will see the same and mark it once more.
    if store::finish_poll(conn, id, connection.poll_fence, &changes.position, next)? {
        store::succeeded(conn, id, connection.flow()?.limit, now)?;
    }
    Ok(())
}

/// What may pass is the connection's as any failure is; what will be refused again is shown with the connection.
fn failed(
    conn: &mut PgConnection,
    connection: &Connection,
    error: &CrmError,
    now: DateTime<Utc>,
    next: DateTime<Utc>,
) -> Result<(), AppError> {
    let (id, fence) = (connection.id, connection.poll_fence);
    connection_failed(conn, &Tried { connection, ticket: None, began: now }, error, now)?;
    match error {
        CrmError::Auth { .. } | CrmError::Throttled { .. } | CrmError::Transient { .. } => {
            store::postpone_poll(conn, id, fence, next)?;
        }
        CrmError::Permanent { .. }
        | CrmError::NotFound { .. }
        | CrmError::Stale
        | CrmError::Gone => {
            if store::refuse_poll(conn, id, fence, &error.to_string(), now, next)? {
                told_nothing(conn, connection)?;
            }
        }
    }
    Ok(())
}

/// Whether the case shows anything that was not agreed on: our own writes do not.
fn differs(mirror: &Mirror, case: &RemoteCase) -> bool {
    if mirror.remote_id.as_deref() != Some(&case.id) {
        return false;
    }
    let agreement = serde_json::from_value::<Agreement>(mirror.agreement.clone());
    let base = agreement.unwrap_or_default().base;
    case.fields.iter().any(|(field, value)| base.get(field).is_some_and(|agreed| agreed != value))
}
