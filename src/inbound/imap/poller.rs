//! Reads the mailbox: under a lease, from the watermark on, for as long as the server answers.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use chrono::Utc;
use diesel::PgConnection;
use tokio_util::sync::CancellationToken;

use super::server::Folder;
use super::settings::ImapSettings;
use crate::db::LEASE;
use crate::inbound::intake::Intake;
use crate::inbound::service::Delivery;
use crate::inbound::store::{self, Mailbox};
use crate::kernel::AppError;

/// How often is written that the server answers.
const SIGNS: Duration = Duration::from_secs(30);
/// How long is waited after failures, at the most: a server may lock out who comes too often.
const PAUSE_MAX: u64 = 60;

/// Reads the configured mailbox, if there is one; cheap to clone.
#[derive(Clone)]
pub struct Poller(Arc<Inner>);

struct Inner {
    intake: Intake,
    settings: Option<ImapSettings>,
    name: Option<String>,
    /// Failures since it last went well.
    failures: AtomicU32,
    stop: CancellationToken,
}

impl Poller {
    pub fn new(intake: Intake, settings: Option<ImapSettings>) -> Self {
        let name = settings.as_ref().map(ImapSettings::name);
        let (failures, stop) = (AtomicU32::new(0), CancellationToken::new());
        Self(Arc::new(Inner { intake, settings, name, failures, stop }))
    }

    /// The name of the mailbox.
    pub fn mailbox(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Ends [`Poller::attend`] soon.
    pub fn close(&self) {
        self.0.stop.cancel();
    }

    /// Reads the mailbox until the connection ends, another process takes over, or the service stops. Returns at once when
    /// another process reads it. Always false: there is nothing to be done again at once.
    pub async fn attend(&self) -> Result<bool, AppError> {
        let inner = &self.0;
        let (Some(settings), Some(name)) = (&inner.settings, &inner.name) else {
            return Ok(false);
        };
        let (now, db) = (Utc::now(), inner.intake.db());
        let mailbox = name.clone();
        let claimed =
            db.quiet_tx(move |conn| Ok(store::claim(conn, &mailbox, now, now + LEASE)?)).await?;
        let Some(lease) = claimed else { return Ok(false) };
        let (mailbox, fence) = (name.clone(), lease.fence);
        let lost =
            db.lease_lost(now, move |conn, until| store::renew(conn, &mailbox, fence, until));
        let outcome = tokio::select! {
            outcome = self.read(settings, &lease) => outcome,
            () = lost => Ok(()),
            () = inner.stop.cancelled() => Ok(()),
        };
        let mailbox = name.clone();
        db.quiet_tx(move |conn| Ok(store::release(conn, &mailbox, fence)?)).await?;
        if let Err(error) = outcome {
            self.tell(&error).await?;
            self.pause().await;
        }
        Ok(false)
    }

    async fn tell(&self, error: &AppError) -> Result<(), AppError> {
        let text = match error {
            AppError::Unavailable(cause) => format!("{cause:#}"),
            error => error.to_string(),
        };
        tracing::warn!(mailbox = self.mailbox(), error = text, "the mailbox cannot be read");
        let (name, now) = (self.mailbox().unwrap_or_default().to_owned(), Utc::now());
        let told = move |conn: &mut PgConnection| Ok(store::failed(conn, &name, &text, now)?);
        self.0.intake.db().quiet_tx(told).await.map(drop)
    }

    async fn pause(&self) {
        let failures = self.0.failures.fetch_add(1, Ordering::Relaxed).min(6);
        let pause = Duration::from_secs((1 << failures).min(PAUSE_MAX));
        _ = tokio::time::timeout(pause, self.0.stop.cancelled()).await;
    }

    async fn read(&self, settings: &ImapSettings, lease: &Mailbox) -> Result<(), AppError> {
        let mut folder = Folder::open(settings).await.map_err(AppError::Unavailable)?;
        self.0.failures.store(0, Ordering::Relaxed);
        self.seen(lease).await?;
        let mut last = if lease.uid_validity == Some(folder.uid_validity) {
            lease.last_uid
        } else {
            self.begin(&mut folder, lease).await?
        };
        let mut signed = Instant::now();
        loop {
            for uid in folder.behind(last).await.map_err(AppError::Unavailable)? {
                self.take(&mut folder, uid, lease, Some(uid)).await?;
                last = uid;
            }
            if signed.elapsed() >= SIGNS {
                self.seen(lease).await?;
                signed = Instant::now();
            }
            folder = folder.news().await.map_err(AppError::Unavailable)?;
        }
    }

    async fn seen(&self, lease: &Mailbox) -> Result<(), AppError> {
        let (name, now) = (lease.mailbox.clone(), Utc::now());
        let seen = move |conn: &mut PgConnection| Ok(store::seen(conn, &name, now)?);
        self.0.intake.db().quiet_tx(seen).await.map(drop)
    }

    /// The first time, or when the server numbers its mails anew: takes what nobody has read, and begins behind all that is
    /// there. What was taken before is known by its Message-ID.
    async fn begin(&self, folder: &mut Folder, lease: &Mailbox) -> Result<i64, AppError> {
        let (last, validity) = (folder.uid_next - 1, folder.uid_validity);
        let unread = folder.unread().await.map_err(AppError::Unavailable)?;
        for uid in unread.into_iter().filter(|uid| *uid <= last) {
            self.take(folder, uid, lease, None).await?;
        }
        let held = (lease.mailbox.clone(), lease.fence);
        let advance = move |conn: &mut PgConnection| advance(conn, &held.0, held.1, validity, last);
        self.0.intake.db().quiet_tx(advance).await?;
        Ok(last)
    }

    /// Takes one mail. In the same transaction, everything up to `read` is written as read, and the lease is checked: no two
    /// processes take the same.
    async fn take(
        &self,
        folder: &mut Folder,
        uid: i64,
        lease: &Mailbox,
        read: Option<i64>,
    ) -> Result<(), AppError> {
        let intake = &self.0.intake;
        let _room = intake.room().await?;
        let Some(delivery) = self.fetch(folder, uid).await.map_err(AppError::Unavailable)? else {
            return Ok(());
        };
        let (name, fence, validity) = (lease.mailbox.clone(), lease.fence, folder.uid_validity);
        let now = Utc::now();
        let (mail, new) = intake
            .take_and(delivery, now, move |conn| match read {
                Some(last) => advance(conn, &name, fence, validity, last),
                None if store::renew(conn, &name, fence, now + LEASE)? => Ok(()),
                None => Err(taken_over()),
            })
            .await?;
        tracing::debug!(id = %mail.id, state = %mail.state, new, "a mail came in");
        if let Err(error) = folder.mark_read(uid).await {
            tracing::debug!(%error, "a mail could not be marked as read");
        }
        Ok(())
    }

    async fn fetch(&self, folder: &mut Folder, uid: i64) -> anyhow::Result<Option<Delivery>> {
        let mailbox = self.mailbox().unwrap_or_default();
        let Some(size) = folder.size(uid).await? else { return Ok(None) };
        if size <= self.0.intake.bytes_max() {
            let raw = folder.mail(uid).await?;
            return Ok(raw.map(|raw| Delivery::whole(mailbox, raw)));
        }
        let bytes = i64::try_from(size)?;
        let raw = folder.beginning(uid).await?;
        Ok(raw.map(|raw| Delivery { mailbox: mailbox.to_owned(), raw, bytes, too_large: true }))
    }
}

fn advance(
    conn: &mut PgConnection,
    name: &str,
    fence: i64,
    validity: i64,
    last: i64,
) -> Result<(), AppError> {
    let ours = store::advance(conn, (name, fence), validity, last)?;
    if ours { Ok(()) } else { Err(taken_over()) }
}

fn taken_over() -> AppError {
    AppError::Unavailable(anyhow!("another process reads the mailbox now"))
}
