//! Which mirrors are worked on, and when.
//!
//! Each connection has slots, counted by the leases on its mirrors and so for all processes together. An attempt that ends
//! takes the next mirror of its connection in the transaction that records its outcome: a slot is never empty while
//! something is due, and no connection waits for another.
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use futures_util::future::join_all;

use super::Engine;
use crate::crm::rules;
use crate::crm::store::{self, Connection, Mirror, Room};
use crate::db::{LEASE, later};
use crate::kernel::{AppError, ConnectionId};

/// How often what other processes marked, and what had to wait, is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// A mirror that was claimed, and its connection as it was then.
pub(super) struct Work {
    pub connection: Connection,
    pub mirror: Mirror,
}

impl Engine {
    /// Tells that something may be due.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Starts work in every free slot. Returns when there may be more to do: at once after [`Engine::wake`], and after a
    /// second anyway.
    pub async fn start_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let began = Instant::now();
        for work in self.claim(now).await? {
            let engine = self.clone();
            self.0.slots.spawn(async move {
                if let Err(error) = engine.keep_slot(work, now, began).await {
                    tracing::error!(?error, "a slot of the mirror failed");
                }
            });
        }
        let _ = tokio::time::timeout(LOOK, self.0.wake.notified()).await;
        Ok(true)
    }

    /// Works on everything that is due and returns when that is done; false when nothing was. One step, for tests: the
    /// service uses [`Engine::start_due`].
    pub async fn converge_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let began = Instant::now();
        let claimed = self.claim(now).await?;
        let any = !claimed.is_empty();
        let done = join_all(claimed.into_iter().map(|work| self.keep_slot(work, now, began))).await;
        self.tell_outcomes(later(now, began)).await?;
        done.into_iter().collect::<Result<(), AppError>>()?;
        Ok(any)
    }

    /// From now on nothing is begun.
    pub fn close(&self) {
        self.0.closing.cancel();
        self.wake();
    }

    /// Returns when what was under way has ended, and all is told. Close first.
    pub async fn finished(&self) {
        self.0.slots.close();
        self.0.slots.wait().await;
        if let Err(error) = self.tell_outcomes(Utc::now()).await {
            tracing::warn!(?error, "the last outcomes are not counted");
        }
    }

    /// Works in a slot until it is not needed.
    async fn keep_slot(
        &self,
        first: Work,
        now: DateTime<Utc>,
        began: Instant,
    ) -> Result<(), AppError> {
        let mut next = Some(first);
        while let Some(work) = next {
            next = self.converge(work, later(now, began)).await?;
        }
        Ok(())
    }

    /// Takes what is due for the free slots of every connection.
    async fn claim(&self, now: DateTime<Utc>) -> Result<Vec<Work>, AppError> {
        if self.0.closing.is_cancelled() {
            return Ok(Vec::new());
        }
        self.0.db.quiet_tx(move |conn| claim(conn, now)).await
    }
}

fn claim(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<Work>, AppError> {
    let ready = store::lock_ready(conn, now)?;
    let rooms = ready.iter().map(|connection| {
        let slots = connection.flow()?.slots(now);
        Ok(Room { connection: connection.id, slots, most: slots })
    });
    let mut rooms = rooms.collect::<Result<Vec<Room>, AppError>>()?;
    rooms.retain(|room| room.slots > 0);
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let taken = store::take(conn, now, now + LEASE, &rooms)?;
    let of = |mirror: &Mirror| ready.iter().find(|c| c.id == mirror.connection_id).cloned();
    let work = |mirror: Mirror| Some(Work { connection: of(&mirror)?, mirror });
    let work: Vec<Work> = taken.into_iter().filter_map(work).collect();
    let outages = work.iter().filter(|work| rules::is_outage(work.connection.failures));
    let trials: Vec<ConnectionId> = outages.map(|work| work.connection.id).collect();
    if !trials.is_empty() {
        store::begin_trials(conn, &trials, now + rules::TRIAL)?;
    }
    Ok(work)
}

/// What the slot works on next, after the outcome of its attempt was recorded; `None` when nothing is due, or the slot is
/// one too many. A trial is not handed over, it is claimed.
pub(super) fn hand_over(
    conn: &mut PgConnection,
    connection: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Option<Work>, AppError> {
    let Some(connection) = store::connection(conn, connection)? else { return Ok(None) };
    let slots = connection.flow()?.slots(now);
    if slots == 0 || rules::is_outage(connection.failures) {
        return Ok(None);
    }
    let room = Room { connection: connection.id, slots, most: 1 };
    let taken = store::take(conn, now, now + LEASE, &[room])?;
    Ok(taken.into_iter().next().map(|mirror| Work { connection, mirror }))
}
