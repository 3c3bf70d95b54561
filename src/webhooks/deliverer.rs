//! Sends what is queued. Each webhook that has something due is served by itself, under a lease: some lots side by side, one after
//! another within a lot. So one that does not answer keeps a few connections of its own busy, and delays no other.
//!
//! Before something is sent it is on record that an attempt begins, and afterwards how it ended. After a crash in between it is sent once
//! more, under the same id.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guard::Guard;
use super::rules::Ended;
use super::sender::Sender;
use super::service::{self, Due, Lot};
use super::signature::sign;
use super::store::{self, Webhook};
use crate::config::Config;
use crate::db::{Db, LEASE, later};
use crate::kernel::{AppError, Secret, SecretKey};

/// Lots of a webhook that are sent side by side.
const LOTS: usize = 8;
/// How often it is looked for what is due, when nobody rings.
const IDLE: Duration = Duration::from_millis(500);
/// Between attempts to store how sending ended while the database cannot be reached.
const STORE_AGAIN: Duration = Duration::from_millis(500);

/// The webhooks' way out of this process; cheap to clone.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    db: Db,
    key: Arc<SecretKey>,
    sender: Sender,
    /// Rings when something may be due.
    wake: Notify,
    turns: TaskTracker,
    /// No new work.
    closing: CancellationToken,
    /// Nor what is under way.
    halted: CancellationToken,
}

/// A webhook that is being served.
struct Turn {
    webhook: Webhook,
    secrets: Vec<Secret>,
    began: (DateTime<Utc>, Instant),
    /// It is to be sent nothing more for now.
    over: AtomicBool,
}

impl Turn {
    fn now(&self) -> DateTime<Utc> {
        later(self.began.0, self.began.1)
    }
}

impl Webhooks {
    pub fn new(db: Db, key: Arc<SecretKey>, config: &Config) -> anyhow::Result<Self> {
        let sender = Sender::new(Guard::new(&config.webhook_networks))?;
        Ok(Self(Arc::new(Inner {
            db,
            key,
            sender,
            wake: Notify::new(),
            turns: TaskTracker::new(),
            closing: CancellationToken::new(),
            halted: CancellationToken::new(),
        })))
    }

    pub(super) fn key(&self) -> Arc<SecretKey> {
        Arc::clone(&self.0.key)
    }

    /// Refuses a URL that nothing would be sent to, with the reason.
    pub(super) fn check(&self, url: &str) -> Result<(), String> {
        let url = reqwest::Url::parse(url).map_err(|error| error.to_string())?;
        self.0.sender.guard.check(&url)
    }

    /// Something may be due.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Returns when something may be due.
    pub async fn rung(&self) {
        _ = tokio::time::timeout(IDLE, self.0.wake.notified()).await;
    }

    /// Nothing is begun any more.
    pub fn close(&self) {
        self.0.closing.cancel();
    }

    /// Gives up what is under way, as a crash would, but gives the leases back.
    pub fn halt(&self) {
        self.0.closing.cancel();
        self.0.halted.cancel();
    }

    /// Returns when what was under way has ended.
    pub async fn finished(&self) {
        self.0.turns.close();
        self.0.turns.wait().await;
    }

    /// Queues for one webhook what happened since; false when none is behind.
    pub async fn feed_next(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let queued = self.0.db.quiet_tx(move |conn| service::feed_next(conn, now)).await?;
        if queued {
            self.wake();
        }
        Ok(queued)
    }

    /// Begins to serve every webhook that has something due and that nobody serves; false when there is none.
    pub async fn start_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        if self.0.closing.is_cancelled() {
            return Ok(false);
        }
        let claim = move |conn: &mut _| service::claim(conn, now, now + LEASE);
        let claimed = self.0.db.quiet_tx(claim).await?;
        let found = !claimed.is_empty();
        for webhook in claimed {
            self.0.turns.spawn(self.clone().serve(webhook, now));
        }
        Ok(found)
    }

    /// Sends some of what is due to one webhook, as long as nobody else does.
    async fn serve(self, webhook: Webhook, now: DateTime<Utc>) {
        let (id, fence) = (webhook.id, webhook.fence);
        let renew = move |conn: &mut _, until| Ok(store::renew(conn, id, fence, until)? == 1);
        let done = tokio::select! {
            done = self.turn(webhook, now) => done,
            () = self.0.db.lease_lost(now, renew) => Ok(()),
            () = self.0.halted.cancelled() => Ok(()),
        };
        if let Err(error) = done {
            tracing::error!(webhook = %id, ?error, "a webhook cannot be served");
        }
        let released = self.0.db.quiet_tx(move |conn| service::release(conn, id, fence)).await;
        if let Err(error) = released {
            tracing::warn!(webhook = %id, ?error, "a lease is not given back; it ends by itself");
        }
        self.wake();
    }

    async fn turn(&self, webhook: Webhook, now: DateTime<Utc>) -> Result<(), AppError> {
        let secrets = service::signs_with(&self.0.key, &webhook, now)?;
        let (began, over) = ((now, Instant::now()), AtomicBool::new(false));
        let turn = Turn { webhook, secrets, began, over };
        let id = turn.webhook.id;
        let lots = self.0.db.read(move |conn| service::due(conn, id, now)).await?;
        let turn = &turn;
        stream::iter(lots).for_each_concurrent(LOTS, |lot| self.send_lot(turn, lot)).await;
        Ok(())
    }

    /// One after another; what a failed attempt leaves waits for the next turn.
    async fn send_lot(&self, turn: &Turn, lot: Lot) {
        for due in lot {
            if turn.over.load(Ordering::Relaxed) || self.0.closing.is_cancelled() {
                return;
            }
            match self.attempt(turn, due).await {
                Ok(true) => {}
                Ok(false) => turn.over.store(true, Ordering::Relaxed),
                Err(error) => {
                    tracing::warn!(webhook = %turn.webhook.id, ?error, "a delivery is put off");
                    return;
                }
            }
        }
    }

    /// One attempt; false when this webhook is to be sent nothing more for now.
    async fn attempt(&self, turn: &Turn, due: Due) -> Result<bool, AppError> {
        let Due { delivery, message } = due;
        let (now, begun, fence) = (turn.now(), delivery.clone(), turn.webhook.fence);
        let begin = move |conn: &mut _| service::begin(conn, &begun, fence, now);
        let Some(attempt) = self.0.db.quiet_tx(begin).await? else { return Ok(true) };
        let ended = match sign(&turn.secrets, &message.id, now.timestamp(), &message.body) {
            Ok(signature) => self.0.sender.send(&turn.webhook.url, &message, &signature, now).await,
            Err(error) => Ended::without_answer(error.to_string()),
        };
        count(&ended);
        let (now, jitter, gone) = (turn.now(), rand::random(), ended.is_gone());
        // What a receiver answered is not thrown away because the database is out of reach: the end of the lease ends the trying.
        loop {
            let (delivery, ended) = (delivery.clone(), ended.clone());
            let record = move |conn: &mut _| {
                service::record(conn, &delivery, attempt, &ended, (now, jitter))
            };
            // A webhook that is switched off is an event; nothing else is the relay's business.
            let stored = match gone {
                true => self.0.db.tx(record).await,
                false => self.0.db.quiet_tx(record).await,
            };
            match stored {
                Ok(more) => return Ok(more),
                Err(error) => tracing::warn!(?error, "the outcome of a delivery is not stored yet"),
            }
            tokio::time::sleep(STORE_AGAIN).await;
        }
    }

    /// Tells how many deliveries wait, and for how long.
    pub async fn tell_figures(&self, now: DateTime<Utc>) -> Result<(), AppError> {
        let figures = self.0.db.read(service::figures).await?;
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("webhook_deliveries_waiting").set(figures.waiting as f64);
        let behind = figures.due_since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0));
        metrics::gauge!("webhook_behind_seconds").set(behind);
        Ok(())
    }

    /// Forgets some deliveries that ended long ago; false when there are none.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        self.0.db.quiet_tx(move |conn| service::sweep(conn, now)).await
    }
}

fn count(ended: &Ended) {
    let outcome = match ended.status {
        None => "unanswered",
        Some(_) if ended.is_delivered() => "delivered",
        Some(_) => "refused",
    };
    metrics::counter!("webhook_attempts_total", "outcome" => outcome).increment(1);
}
