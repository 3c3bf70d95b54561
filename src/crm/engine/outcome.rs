//! An attempt from claim to outcome, and what a failure means for the mirror and for its connection.
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use futures_util::FutureExt as _;

use super::Engine;
use super::pass::{Pass, Snapshot, Stop};
use super::schedule::{Work, hand_over};
use crate::crm::settings::OnDeleted;
use crate::crm::store::{self, Connection, Mirror, MirrorState, Replay, Setback};
use crate::crm::{CrmError, rules};
use crate::db::later;
use crate::kernel::{AppError, TicketId};

/// What was tried, and since when.
pub(in crate::crm) struct Tried<'a> {
    pub connection: &'a Connection,
    /// `None` for what is not about one.
    pub ticket: Option<TicketId>,
    pub began: DateTime<Utc>,
}

impl Engine {
    /// One attempt at a claimed mirror; returns what the slot works on next. A failure of the CRM is an outcome; a failure
    /// of the service itself is told too.
    pub(super) async fn converge(
        &self,
        work: Work,
        now: DateTime<Utc>,
    ) -> Result<Option<Work>, AppError> {
        let Work { connection, mirror } = work;
        let (began, held) = (Instant::now(), mirror.clone());
        let renew = move |conn: &mut _, until| store::renew(conn, &held, until);
        let done = tokio::select! {
            done = self.attempt(&connection, &mirror, now) => done,
            () = self.0.db.lease_lost(now, renew) => Err(Stop::Lost),
            () = self.0.halted.cancelled() => Err(Stop::Again),
        };
        let ended = later(now, began);
        let ticket = mirror.ticket_id;
        match &done {
            Ok(()) => tracing::debug!(%ticket, connection = connection.name, "mirrored"),
            Err(stop) => {
                tracing::warn!(%ticket, connection = connection.name, ?stop, "not mirrored");
            }
        }
        self.0.tally.count(&connection, &mirror, &done, ended);
        let engine = self.clone();
        let recorded = self.0.db.quiet_tx(move |conn| {
            let attempt =
                Attempt { engine: &engine, connection: &connection, mirror: &mirror, began: now };
            let failure = attempt.record(conn, done, ended)?;
            if failure.is_some() || engine.0.closing.is_cancelled() {
                return Ok((failure, None));
            }
            Ok((None, hand_over(conn, connection.id, ended)?))
        });
        let (failure, next) = recorded.await?;
        failure.map_or(Ok(next), Err)
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
        let seen = self.0.db.read(move |conn| Snapshot::read(conn, &claimed)).await?;
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
        pass.redactions().await?;
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

/// An attempt that has ended.
struct Attempt<'a> {
    engine: &'a Engine,
    connection: &'a Connection,
    mirror: &'a Mirror,
    began: DateTime<Utc>,
}

impl Attempt<'_> {
    /// Records how it ended; returns the failure that is the service's own.
    fn record(
        &self,
        conn: &mut PgConnection,
        done: Result<(), Stop>,
        now: DateTime<Utc>,
    ) -> Result<Option<AppError>, AppError> {
        let mirror = self.mirror;
        let stop = match done {
            Ok(()) => {
                store::finish(conn, mirror, now)?;
                return self.answered(conn, now).map(|()| None);
            }
            Err(stop) => stop,
        };
        match stop {
            Stop::Lost => told_nothing(conn, self.connection)?,
            Stop::Again => {
                store::release(conn, mirror, now)?;
                told_nothing(conn, self.connection)?;
            }
            Stop::CaseGone => {
                case_gone(conn, self.connection, mirror, now)?;
                self.answered(conn, now)?;
            }
            Stop::Park { class, reason } => {
                park(conn, mirror, class, reason, now)?;
                self.answered(conn, now)?;
            }
            Stop::Crm(error) => self.crm_failed(conn, error, now)?,
            Stop::App(error) => {
                try_later(conn, mirror, "internal", "an internal error occurred".into(), now)?;
                told_nothing(conn, self.connection)?;
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    /// The CRM did what it was asked, or said why not. After an outage every slot can be used again.
    fn answered(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
        if self.engine.0.tally.is_news(self.connection) {
            let limit = self.connection.flow()?.limit;
            store::succeeded(conn, self.connection.id, limit, now)?;
            self.engine.wake();
        }
        Ok(())
    }

    /// The mirror's row is locked before the connection's, here as everywhere.
    fn crm_failed(
        &self,
        conn: &mut PgConnection,
        error: CrmError,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let (class, reason, mirror) = (error.class(), error.to_string(), self.mirror);
        store::hold(conn, mirror)?;
        let ticket = Some(mirror.ticket_id);
        let tried = Tried { connection: self.connection, ticket, began: self.began };
        if connection_failed(conn, &tried, &error, now)? {
            store::release(conn, mirror, now)?;
            return Ok(());
        }
        if matches!(error, CrmError::Transient { .. }) {
            return try_later(conn, mirror, class, reason, now);
        }
        park(conn, mirror, class, reason, now)?;
        self.answered(conn, now)
    }
}

/// Whether an outage is over is as unknown as before: another trial can be made.
pub(super) fn told_nothing(
    conn: &mut PgConnection,
    connection: &Connection,
) -> Result<(), AppError> {
    if rules::is_outage(connection.failures) {
        store::end_trial(conn, connection.id)?;
    }
    Ok(())
}

/// What a failure means for the whole connection. True when the fault is the connection's and not the item's: an outage
/// burns no attempts.
pub(in crate::crm) fn connection_failed(
    conn: &mut PgConnection,
    tried: &Tried<'_>,
    error: &CrmError,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let id = tried.connection.id;
    match error {
        CrmError::Auth { .. } => {
            store::refuse(conn, id, tried.connection.version, &error.to_string())?;
            Ok(true)
        }
        CrmError::Throttled { retry_after } => {
            let pause = retry_after.and_then(|pause| TimeDelta::from_std(pause).ok());
            slow_down(conn, tried, pause.unwrap_or(rules::THROTTLE_PAUSE), now)?;
            Ok(true)
        }
        CrmError::Transient { .. } => count_failure(conn, tried, now),
        CrmError::Permanent { .. }
        | CrmError::NotFound { .. }
        | CrmError::Stale
        | CrmError::Gone => Ok(false),
    }
}

/// Pauses as the CRM wants it, and goes on with half as many attempts at a time. The attempts that were under way when the
/// CRM said so say nothing new.
fn slow_down(
    conn: &mut PgConnection,
    tried: &Tried<'_>,
    pause: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let Some(mut row) = store::lock_connection(conn, tried.connection.id)? else { return Ok(()) };
    if row.slowed_at.is_none_or(|slowed_at| slowed_at < tried.began) {
        row.allowed = Some((row.flow()?.width() / 2).max(1));
        row.slowed_at = Some(now);
    }
    row.not_before = row.not_before.max(Some(now + pause.min(rules::LONGEST_PAUSE)));
    row.trial_until = None;
    store::save_flow(conn, &row)?;
    Ok(())
}

/// Counts a failure that may be an outage; true when it is one. A ticket that fails again and again is none by itself, and
/// attempts that were under way when the outage was noticed say nothing new.
fn count_failure(
    conn: &mut PgConnection,
    tried: &Tried<'_>,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let Some(mut row) = store::lock_connection(conn, tried.connection.id)? else {
        return Ok(true);
    };
    let ticket = tried.ticket.map(|ticket| ticket.0);
    let known = rules::is_outage(row.failures);
    let repeats = ticket.is_some_and(|ticket| row.suspects.contains(&ticket));
    if known && row.not_before.is_some_and(|until| until > now) || !known && repeats {
        return Ok(known);
    }
    row.failures += 1;
    if known {
        // The trial failed too: it is the CRM and not these tickets.
        store::refund(conn, row.id, &row.suspects, now)?;
        row.suspects.clear();
    } else {
        row.suspects.extend(ticket);
    }
    let outage = rules::is_outage(row.failures);
    if outage {
        row.not_before = Some(now + rules::outage_pause(row.failures, rand::random()));
        row.trial_until = None;
    }
    store::save_flow(conn, &row)?;
    Ok(outage)
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
        failed_at: now,
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
        failed_at: now,
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
        failed_at: now,
    };
    let held = store::set_back(conn, mirror, &setback, false)?;
    if held == 1 && settings.on_deleted == OnDeleted::Recreate {
        let ticket = Some(mirror.ticket_id);
        let this = Replay { error_class: Some("gone".into()), ticket, ..Replay::all(state) };
        store::replay(conn, mirror.connection_id, &this)?;
    }
    Ok(())
}
