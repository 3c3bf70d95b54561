//! Sends what is queued. Each turn takes some mails under a lease and sends them one after another over a connection of its
//! own; several turns run side by side, in any number of processes.
//!
//! Before a mail is sent it is on record that an attempt begins, and afterwards how it ended. After a crash in between, or when
//! the server's answer is lost, nobody knows whether the mail left: it is sent once more, with the same `Message-ID`, and never
//! a third time by itself. Only a crash of the database can forget the last of these records.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio_util::sync::CancellationToken;

use super::message::{Outgoing, compose};
use super::rules::{MailState, Outcome, outage_pause};
use super::server::Server;
use super::service;
use super::store::OutgoingMail;
use crate::db::{Db, LEASE, later};
use crate::kernel::{AppError, MailId, SecretKey};

/// Mails of a turn at the most.
const TURN: i64 = 20;
/// How long a connection without work is kept: servers close theirs after minutes.
const IDLE: Duration = Duration::from_secs(20);
/// Between attempts to store how sending ended while the database cannot be reached.
const STORE_AGAIN: Duration = Duration::from_millis(500);

/// The mails' way out of this process; cheap to clone.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    db: Db,
    key: Arc<SecretKey>,
    server: Option<Server>,
    idle: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
    outage: Mutex<Outage>,
    closed: CancellationToken,
}

/// The server could not be used so many times in a row.
#[derive(Default)]
struct Outage {
    failures: i32,
    until: Option<DateTime<Utc>>,
}

type Ended = Option<(OutgoingMail, Outcome)>;

impl Mailer {
    /// Without a server, mails stay queued.
    pub fn new(db: Db, key: Arc<SecretKey>, server: Option<Server>) -> Self {
        let (idle, outage) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { db, key, server, idle, outage, closed: CancellationToken::new() }))
    }

    /// No mail is begun any more.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Sends some of the mails that are due; false when there are none, or no server.
    pub async fn send_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let Some(server) = &self.0.server else { return Ok(false) };
        if self.0.closed.is_cancelled() || self.is_out(now) {
            return Ok(false);
        }
        let (key, domain) = (Arc::clone(&self.0.key), server.domain.clone());
        let claimed = self
            .0
            .db
            .quiet_tx(move |conn| service::claim(conn, &key, &domain, TURN, (now, now + LEASE)));
        let claimed = claimed.await?;
        if claimed.due == 0 {
            self.close_idle().await;
            return Ok(false);
        }
        let leases: Vec<(MailId, i64)> =
            claimed.outgoing.iter().map(|one| (one.mail.id, one.mail.fence)).collect();
        let renew = move |conn: &mut _, until| Ok(super::store::renew(conn, &leases, until)? > 0);
        tokio::select! {
            done = self.turn(server, claimed.outgoing, now) => done?,
            () = self.0.db.lease_lost(now, renew) => {}
        }
        Ok(true)
    }

    async fn turn(
        &self,
        server: &Server,
        outgoing: Vec<Outgoing>,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let began = Instant::now();
        let mut connection = self.take_idle();
        let mut ended: Ended = None;
        let mut rest = outgoing.into_iter();
        while let Some(one) = rest.as_slice().first() {
            let at = later(now, began);
            if self.0.closed.is_cancelled() || self.is_out(at) {
                break;
            }
            let begun = self.step(ended.take(), Some(one.mail.clone()), at).await;
            if begun {
                let outcome = self.attempt(server, &mut connection, one, at).await;
                self.judge(&outcome, later(now, began));
                ended = Some((one.mail.clone(), outcome));
            }
            rest.next();
        }
        self.step(ended, None, later(now, began)).await;
        let left: Vec<(MailId, i64)> = rest.map(|one| (one.mail.id, one.mail.fence)).collect();
        if let Some(connection) = connection {
            self.idle().push((Instant::now(), connection));
        }
        if left.is_empty() {
            return Ok(());
        }
        let at = later(now, began);
        self.0.db.quiet_tx(move |conn| service::give_back(conn, &left, at)).await
    }

    /// Stores how an attempt ended and that the next one begins; false when the next mail was taken over. What a server
    /// answered is not thrown away because the database is out of reach: the end of the lease ends the trying.
    async fn step(&self, ended: Ended, begins: Option<OutgoingMail>, now: DateTime<Utc>) -> bool {
        let jitter = rand::random();
        loop {
            let (ended, begins) = (ended.clone(), begins.clone());
            let stored = self.0.db.quiet_tx(move |conn| {
                service::next_attempt(conn, ended.as_ref(), begins.as_ref(), (now, jitter))
            });
            match stored.await {
                Ok(begun) => return begun,
                Err(error) => tracing::warn!(?error, "the outcome of a mail is not stored yet"),
            }
            tokio::time::sleep(STORE_AGAIN).await;
        }
    }

    /// Sends one mail, over a new connection if the one that was kept is gone.
    async fn attempt(
        &self,
        server: &Server,
        connection: &mut Option<AsyncSmtpConnection>,
        one: &Outgoing,
        now: DateTime<Utc>,
    ) -> Outcome {
        let content = match compose(one, &server.from, &self.0.key, now) {
            Ok(content) => content,
            Err(error) => return Outcome::Unsendable(format!("{error:#}")),
        };
        let recipients: Vec<&str> = one.recipients().collect();
        loop {
            let kept = connection.take();
            let was_kept = kept.is_some();
            let mut open = match kept {
                Some(open) => open,
                None => match server.connect().await {
                    Ok(open) => open,
                    Err(why) => return Outcome::NoServer(why),
                },
            };
            let (outcome, usable) =
                server.send(&mut open, &recipients, &content, one.mail.attempts).await;
            if usable {
                *connection = Some(open);
            }
            if !(was_kept && matches!(outcome, Outcome::NoServer(_))) {
                return outcome;
            }
        }
    }

    /// Counts what became of an attempt, and notes whether there is a server.
    fn judge(&self, outcome: &Outcome, now: DateTime<Utc>) {
        let kind = match outcome {
            Outcome::Sent { .. } => "sent",
            Outcome::Refused { refusal, .. } if refusal.is_permanent() => "refused",
            Outcome::Refused { .. } | Outcome::NotTaken(_) => "put_off",
            Outcome::Unsendable(_) => "unsendable",
            Outcome::Unanswered(_) => "unanswered",
            Outcome::NoServer(_) => "no_server",
        };
        metrics::counter!("mail_attempts_total", "outcome" => kind).increment(1);
        let mut outage = self.0.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let Outcome::NoServer(why) = outcome else {
            *outage = Outage::default();
            return;
        };
        outage.failures += 1;
        let pause = outage_pause(outage.failures, rand::random());
        outage.until = Some(now + pause);
        tracing::warn!(why, pause_ms = pause.num_milliseconds(), "the mail server cannot be used");
    }

    fn is_out(&self, now: DateTime<Utc>) -> bool {
        let outage = self.0.outage.lock().unwrap_or_else(PoisonError::into_inner);
        outage.until.is_some_and(|until| now < until)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, AsyncSmtpConnection)>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last.
    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        self.idle().pop().map(|(_, connection)| connection)
    }

    /// Ends connections that were of no use for a while.
    async fn close_idle(&self) {
        let old: Vec<_> = self.idle().extract_if(.., |(since, _)| since.elapsed() > IDLE).collect();
        for (_, mut connection) in old {
            _ = tokio::time::timeout(Duration::from_secs(1), connection.quit()).await;
        }
    }

    /// Tells how many mails wait, and for how long.
    pub async fn tell_figures(&self, now: DateTime<Utc>) -> Result<(), AppError> {
        let counted = self.0.db.read(service::figures).await?;
        for state in [MailState::Queued, MailState::Held, MailState::Dead] {
            let found = counted.iter().filter(|(of, ..)| {
                *of == state || state == MailState::Queued && *of == MailState::Sending
            });
            let (mails, since) = found.fold((0, now), |(mails, since), (_, count, oldest)| {
                (mails + count, oldest.map_or(since, |oldest| since.min(oldest)))
            });
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            metrics::gauge!("mail_waiting", "state" => state.as_str()).set(mails as f64);
            if state == MailState::Queued {
                metrics::gauge!("mail_behind_seconds").set((now - since).as_seconds_f64());
            }
        }
        Ok(())
    }

    /// Forgets what no limit counts any more.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        self.0.db.quiet_tx(move |conn| service::forget_counted(conn, now)).await?;
        Ok(false)
    }
}
