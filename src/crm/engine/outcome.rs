//! An attempt from claim to outcome, and what a failure means for the mirror and for its connection.
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use futures_util::FutureExt as _;

use super::Engine;
use super::lease::later;
use super::pass::{Pass, Snapshot, Stop};
use crate::crm::settings::OnDeleted;
use crate::crm::store::{self, Connection, Mirror, MirrorState, Replay, Setback};
use crate::crm::{CrmError, rules};
use crate::kernel::{AppError, ConnectionId};

/// A CRM can ask for a pause, but not for good.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

impl Engine {
    /// One attempt at a claimed mirror. A failure of the CRM is an outcome; a failure of the service itself is told too.
    pub(super) async fn converge(
        &self,
        mirror: Mirror,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let id = mirror.connection_id;
        let connection = self.0.db.read(move |conn| Ok(store::connection(conn, id)?)).await?;
        let Some(connection) = connection else { return Ok(()) };
        let (began, held) = (Instant::now(), mirror.clone());
        let renew = move |conn: &mut _, until| Ok(store::hold(conn, &held, until)?.is_some());
        let done = tokio::select! {
            done = self.attempt(&connection, &mirror, now) => done,
            () = self.lease_lost(now, renew) => Err(Stop::Lost),
            () = self.0.halted.cancelled() => Err(Stop::Again),
        };
        let now = later(now, began);
        let ticket = mirror.ticket_id;
        match &done {
            Ok(()) => tracing::debug!(%ticket, connection = connection.name, "mirrored"),
            Err(stop) => {
                tracing::warn!(%ticket, connection = connection.name, ?stop, "not mirrored");
            }
        }
        let failure = self.0.db.tx(move |conn| record(conn, &connection, &mirror, done, now));
        failure.await?.map_or(Ok(()), Err)
    }

    /// A panic is a failure of this item only.
    async fn attempt(
        &self,
        connection: &Connection,
        mirror: &Mirror,
        now: DateTime<Utc>,
    ) -> Result<(), Stop> {
        let steps = AssertUnwindSafe(self.steps(connection, mirror, now)).catch_unwind();
        steps.await.unwrap_or_else(|_| {
            Err(Stop::App(AppError::Internal(anyhow::anyhow!("an attempt panicked"))))
        })
    }

    async fn steps(
        &self,
        connection: &Connection,
        mirror: &Mirror,
        now: DateTime<Utc>,
    ) -> Result<(), Stop> {
        let crm = self.crm(connection)?;
        let claimed = mirror.clone();
        let seen = self.0.db.tx(move |conn| Snapshot::read(conn, &claimed)).await?;
        let mut pass = Pass::new(self.clone(), crm, connection.clone(), mirror.clone(), now)?;
        if seen.ticket.deleted_at.is_some() {
            let detach = |_: &mut PgConnection, working: &mut super::pass::Working| {
                working.mirror.state = MirrorState::Detached;
                Ok(())
            };
            return pass.held(detach).await;
        }
        let facts = pass.facts(&seen).await?;
        pass.case(&seen, &facts).await?;
        // A contact that is not known delays no note.
        let contact = pass.contact(&seen, mirror.full_check).await;
        if !matches!(contact, Ok(()) | Err(Stop::Park { .. })) {
            return contact;
        }
        pass.notes_out(&seen).await?;
        if mirror.full_check {
            pass.notes_in().await?;
        }
        pass.lead_out().await?;
        contact
    }
}

/// Records how an attempt ended; returns the failure that is the service's own.
fn record(
    conn: &mut PgConnection,
    connection: &Connection,
    mirror: &Mirror,
    done: Result<(), Stop>,
    now: DateTime<Utc>,
) -> Result<Option<AppError>, AppError> {
    let stop = match done {
        Ok(()) => {
            store::finish(conn, mirror, now)?;
            store::succeeded(conn, connection.id, now)?;
            return Ok(None);
        }
        Err(stop) => stop,
    };
    match stop {
        Stop::Lost => {}
        Stop::Again => {
            store::release(conn, mirror, now)?;
        }
        Stop::CaseGone => case_gone(conn, connection, mirror, now)?,
        Stop::Park { class, reason } => {
            park(conn, mirror, class, reason, now)?;
            store::succeeded(conn, connection.id, now)?;
        }
        Stop::Crm(error) => {
            return crm_failed(conn, connection.id, mirror, error, now).map(|()| None);
        }
        Stop::App(error) => {
            try_later(conn, mirror, "internal", "an internal error occurred".into(), now)?;
            return Ok(Some(error));
        }
    }
    Ok(None)
}

fn crm_failed(
    conn: &mut PgConnection,
    connection: ConnectionId,
    mirror: &Mirror,
    error: CrmError,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let (class, reason) = (error.class(), error.to_string());
    if connection_failed(conn, connection, &error, now)? {
        store::release(conn, mirror, now)?;
        return Ok(());
    }
    match error {
        CrmError::Transient { .. } => try_later(conn, mirror, class, reason, now),
        _ => park(conn, mirror, class, reason, now),
    }
}

/// What a failure means for the whole connection. True when the fault is the connection's and not the item's: an outage
/// burns no attempts.
pub(in crate::crm) fn connection_failed(
    conn: &mut PgConnection,
    connection: ConnectionId,
    error: &CrmError,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    match error {
        CrmError::Auth { .. } => {
            store::pause(conn, connection, &error.to_string())?;
            Ok(true)
        }
        CrmError::Throttled { retry_after } => {
            let pause = retry_after.unwrap_or(Duration::from_secs(30)).min(LONGEST_PAUSE);
            let pause = TimeDelta::from_std(pause).unwrap_or_default();
            store::hold_off(conn, connection, now + pause)?;
            Ok(true)
        }
        CrmError::Transient { .. } => {
            let failures = store::count_failure(conn, connection)?;
            let outage = rules::is_outage(failures);
            if outage {
                let pause = rules::outage_pause(failures, rand::random());
                store::hold_off(conn, connection, now + pause)?;
            }
            Ok(outage)
        }
        CrmError::Permanent { .. }
        | CrmError::NotFound { .. }
        | CrmError::Stale
        | CrmError::Gone => Ok(false),
    }
}

/// Once more after a while; after too many attempts not without somebody's help.
fn try_later(
    conn: &mut PgConnection,
    mirror: &Mirror,
    class: &'static str,
    reason: String,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let attempts = mirror.attempts + 1;
    let setback = Setback {
        state: (attempts >= rules::MAX_ATTEMPTS).then_some(MirrorState::Parked),
        attempts,
        next_attempt_at: now + rules::backoff(attempts, rand::random()),
        last_error: reason,
        error_class: class,
    };
    store::set_back(conn, mirror, &setback, false)?;
    Ok(())
}

fn park(
    conn: &mut PgConnection,
    mirror: &Mirror,
    class: &'static str,
    reason: String,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let setback = Setback {
        state: Some(MirrorState::Parked),
        attempts: mirror.attempts + 1,
        next_attempt_at: now,
        last_error: reason,
        error_class: class,
    };
    store::set_back(conn, mirror, &setback, class == "permanent")?;
    Ok(())
}

/// The case was deleted in the CRM: as the connection says.
fn case_gone(
    conn: &mut PgConnection,
    connection: &Connection,
    mirror: &Mirror,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let settings = connection.settings()?;
    let state = match settings.on_deleted {
        OnDeleted::Ask => MirrorState::Parked,
        OnDeleted::Leave | OnDeleted::Recreate => MirrorState::Deleted,
    };
    let setback = Setback {
        state: Some(state),
        attempts: 0,
        next_attempt_at: now,
        last_error: "the case was deleted in the CRM".into(),
        error_class: "gone",
    };
    let held = store::set_back(conn, mirror, &setback, false)?;
    if held == 1 && settings.on_deleted == OnDeleted::Recreate {
        let ticket = Some(mirror.ticket_id);
        let this = Replay { state, error_class: Some("gone".into()), ticket };
        store::replay(conn, mirror.connection_id, &this)?;
    }
    store::succeeded(conn, connection.id, now)?;
    Ok(())
}
