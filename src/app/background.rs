//! The background work of a process: which loops run, and how often each looks for something to do.
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::sync::Notify;

use super::run::Service;
use crate::events::{self, Consumer};
use crate::kernel::AppError;
use crate::reports::service::Followed;
use crate::tickets::service;
use crate::workers::Workers;
use crate::{crm, export, http, reminders, reports, schedule, sla, time_entries};

/// Who is told about published events, in the transaction that publishes them.
pub const CONSUMERS: &[Consumer] = &[crm::mark_dirty, sla::mark_stale];
/// How often is told what the mirror does.
const MIRROR_FIGURES: Duration = Duration::from_secs(5);
/// Jobs that a process works on at a time: each by itself, so that a slow step delays no other job.
const JOBS_AT_ONCE: usize = 4;
/// How often it is asked whether a step of a job is due, when none was.
const JOBS_IDLE: Duration = Duration::from_millis(500);
/// How often it is asked whether a comparison or an import is to be started.
const SCHEDULES: Duration = Duration::from_secs(30);
/// How often the inbox of webhooks is looked into, when it was empty.
const INBOX_IDLE: Duration = Duration::from_millis(300);
/// How often it is asked whether nobody reads the mailbox.
const MAILBOX: Duration = Duration::from_secs(1);
/// How often it is looked for files that came by mail.
const MAIL_FILES: Duration = Duration::from_millis(500);
/// How often it is looked for reminders that are due and for what was missed.
const SCHEDULE: Duration = Duration::from_secs(1);
/// How often it is looked for timers that were forgotten.
const TIMERS: Duration = Duration::from_secs(30);
/// How often what changed is put into the order of the export, beside at every export.
const EXPORT_ORDER: Duration = Duration::from_secs(10);
/// How often mails are looked for, when there were none to send.
const MAIL_IDLE: Duration = Duration::from_millis(500);
/// How often is told how many mails wait.
const MAIL_FIGURES: Duration = Duration::from_secs(5);
/// How often is told how many deliveries of webhooks wait.
const WEBHOOK_FIGURES: Duration = Duration::from_secs(5);
/// How often it is looked for files that nobody needs.
const FILES: Duration = Duration::from_secs(60);
/// How often it is looked for customers who do not reply, and for whom to ask how satisfied they are.
const CUSTOMERS: Duration = Duration::from_secs(1);
/// How often it is looked for mails about tickets that waited until now.
const DIGESTS: Duration = Duration::from_secs(1);
/// How often it is looked for what people were told long ago.
const OLD_NOTIFICATIONS: Duration = Duration::from_secs(600);
/// How often it is looked for tickets whose clocks have something to learn or to tell.
const CLOCKS: Duration = Duration::from_millis(500);
/// Tickets whose clocks are derived in one transaction.
const CLOCKS_AT_ONCE: i64 = 50;
/// How often it is asked whether clocks have learned what reports wait for, and how long what happens is gathered.
const REPORTS: Duration = Duration::from_millis(500);
/// How often automatic transitions are looked for.
const AUTOMATIC: Duration = Duration::from_millis(500);
/// How often waiting tickets are looked at when nothing happens: time alone makes agents available.
const WAITING: Duration = Duration::from_secs(1);
/// How long an idempotency key is kept.
const KEEP_KEYS: TimeDelta = TimeDelta::hours(25);

impl Service {
    /// Starts the background work of this process.
    pub fn start_workers(&self) -> Workers {
        let workers = Workers::default();
        let (db, feed, mirror) = (self.db.clone(), self.feed.clone(), self.mirror.clone());
        let news = Arc::new(Notify::new());
        let bell = Arc::clone(&news);
        workers.every("relay", Duration::ZERO, move || {
            let (db, feed, mirror) = (db.clone(), feed.clone(), mirror.clone());
            let bell = Arc::clone(&bell);
            async move {
                let published = events::publish_next(&db, &feed, CONSUMERS).await?;
                if published {
                    mirror.wake();
                    bell.notify_one();
                } else {
                    db.committed_or_a_second().await;
                }
                Ok(published)
            }
        });
        self.start_mirror_workers(&workers);
        self.start_inbox_workers(&workers);
        self.start_mailbox(&workers);
        self.start_jobs(&workers);
        self.start_schedule(&workers);
        self.start_service_levels(&workers);
        self.start_mail(&workers);
        self.start_customer_workers(&workers);
        self.start_notifications(&workers);
        self.start_webhooks(&workers);
        self.start_ticket_workers(&workers, news);
        self.start_reports(&workers);
        let db = self.db.clone();
        workers.every("export order", EXPORT_ORDER, move || {
            let db = db.clone();
            async move { db.quiet_tx(export::put_in_order).await }
        });
        let files = self.files.clone();
        workers.every("files", FILES, move || {
            let files = files.clone();
            async move { files.sweep(Utc::now()).await }
        });
        let db = self.db.clone();
        workers.every("idempotency keys", Duration::from_secs(600), move || {
            let db = db.clone();
            async move {
                let before = Utc::now() - KEEP_KEYS;
                db.quiet_tx(move |conn| Ok(http::sweep_idempotency_keys(conn, before)?)).await?;
                Ok(false)
            }
        });
        workers
    }

    fn start_mirror_workers(&self, workers: &Workers) {
        let mirror = self.mirror.clone();
        workers.every("mirror", Duration::ZERO, move || {
            let mirror = mirror.clone();
            async move { mirror.start_due(Utc::now()).await }
        });
        let mirror = self.mirror.clone();
        workers.every("poll", Duration::from_secs(1), move || {
            let mirror = mirror.clone();
            async move { mirror.poll_due(Utc::now()).await }
        });
        let mirror = self.mirror.clone();
        workers.every("mirror figures", MIRROR_FIGURES, move || {
            let mirror = mirror.clone();
            async move {
                mirror.tell_outcomes(Utc::now()).await?;
                mirror.tell_figures(Utc::now()).await?;
                Ok(false)
            }
        });
    }

    /// Long work, and what starts some when its time has come.
    fn start_jobs(&self, workers: &Workers) {
        let jobs = self.jobs.clone();
        workers.every_of(JOBS_AT_ONCE, "jobs", JOBS_IDLE, move || {
            let jobs = jobs.clone();
            async move { jobs.step_due(Utc::now()).await }
        });
        let db = self.db.clone();
        workers.every("scheduled comparisons", SCHEDULES, move || {
            let db = db.clone();
            async move {
                db.quiet_tx(|conn| crm::reconcile::start_scheduled(conn, Utc::now())).await
            }
        });
        let mirror = self.mirror.clone();
        workers.every("scheduled imports", SCHEDULES, move || {
            let mirror = mirror.clone();
            async move { mirror.import_due(Utc::now()).await }
        });
    }

    /// What becomes of what CRMs and integrations tell.
    fn start_inbox_workers(&self, workers: &Workers) {
        let (inbox, mirror) = (self.inbox.clone(), self.mirror.clone());
        workers.every("inbox", INBOX_IDLE, move || {
            let (inbox, mirror) = (inbox.clone(), mirror.clone());
            async move {
                let taken = inbox.take_due(Utc::now()).await?;
                if taken {
                    mirror.wake();
                }
                Ok(taken)
            }
        });
        let inbox = self.inbox.clone();
        workers.every("sync records", Duration::from_secs(600), move || {
            let inbox = inbox.clone();
            async move { inbox.sweep(Utc::now()).await }
        });
    }

    /// What comes in by mail.
    fn start_mailbox(&self, workers: &Workers) {
        let mailbox = self.mailbox.clone();
        workers.every("mailbox", MAILBOX, move || {
            let mailbox = mailbox.clone();
            async move { mailbox.attend().await }
        });
        let filing = self.filing.clone();
        workers.every("mail files", MAIL_FILES, move || {
            let filing = filing.clone();
            async move { filing.step(Utc::now()).await }
        });
    }

    /// Reminders, what was missed, and timers that run too long.
    fn start_schedule(&self, workers: &Workers) {
        let db = self.db.clone();
        workers.every("schedule", SCHEDULE, move || {
            let db = db.clone();
            async move { db.step(|conn| schedule::service::sweep(conn, Utc::now())).await }
        });
        let (db, most) = (self.db.clone(), self.config.longest_timer());
        workers.every("timers", TIMERS, move || {
            let db = db.clone();
            async move {
                db.tx(move |conn| time_entries::book_forgotten(conn, most, Utc::now())).await
            }
        });
    }

    /// What clocks learn, and what they tell.
    fn start_service_levels(&self, workers: &Workers) {
        let db = self.db.clone();
        workers.every("clocks", CLOCKS, move || {
            let db = db.clone();
            async move {
                let derive =
                    |limit| db.quiet_tx(move |conn| sla::derive_some(conn, Utc::now(), limit));
                match derive(CLOCKS_AT_ONCE).await {
                    Err(error @ AppError::Unavailable(_)) => return Err(error),
                    Ok(derived) => return Ok(derived > 0),
                    Err(error) => tracing::error!(?error, "clocks cannot be derived at once"),
                }
                // One by one: a ticket that cannot be derived holds up no other.
                if derive(1).await.is_err() {
                    db.quiet_tx(|conn| sla::postpone_first(conn, Utc::now())).await?;
                }
                Ok(true)
            }
        });
        let db = self.db.clone();
        workers.every("service levels", CLOCKS, move || {
            let db = db.clone();
            async move { db.step(|conn| sla::tell_next(conn, Utc::now())).await }
        });
    }

    /// What happened becomes facts for reports.
    fn start_reports(&self, workers: &Workers) {
        let (db, feed) = (self.db.clone(), self.feed.clone());
        workers.every("reports", REPORTS, move || {
            let (db, feed) = (db.clone(), feed.clone());
            async move {
                let seen = feed.last();
                let step = db.quiet_tx(|conn| reports::service::follow(conn, Utc::now())).await?;
                if step == Followed::Everything {
                    feed.beyond(seen).await;
                }
                Ok(step == Followed::Some)
            }
        });
    }

    /// What goes out by mail.
    fn start_mail(&self, workers: &Workers) {
        let mailer = self.mailer.clone();
        workers.every_of(self.config.smtp_connections, "mail", MAIL_IDLE, move || {
            let mailer = mailer.clone();
            async move { mailer.send_due(Utc::now()).await }
        });
        let mailer = self.mailer.clone();
        workers.every("mail figures", MAIL_FIGURES, move || {
            let mailer = mailer.clone();
            async move {
                mailer.tell_figures(Utc::now()).await?;
                mailer.sweep(Utc::now()).await
            }
        });
    }

    /// What other programs are told.
    fn start_webhooks(&self, workers: &Workers) {
        let (webhooks, feed) = (self.webhooks.clone(), self.feed.clone());
        workers.every("webhook feed", Duration::ZERO, move || {
            let (webhooks, feed) = (webhooks.clone(), feed.clone());
            async move {
                let seen = feed.last();
                let queued = webhooks.feed_next(Utc::now()).await?;
                if !queued {
                    feed.beyond(seen).await;
                }
                Ok(queued)
            }
        });
        let webhooks = self.webhooks.clone();
        workers.every("webhooks", Duration::ZERO, move || {
            let webhooks = webhooks.clone();
            async move {
                webhooks.start_due(Utc::now()).await?;
                webhooks.rung().await;
                Ok(false)
            }
        });
        let webhooks = self.webhooks.clone();
        workers.every("webhook figures", WEBHOOK_FIGURES, move || {
            let webhooks = webhooks.clone();
            async move {
                webhooks.tell_figures(Utc::now()).await?;
                webhooks.sweep(Utc::now()).await
            }
        });
    }

    /// What customers are told and asked by itself.
    fn start_customer_workers(&self, workers: &Workers) {
        let db = self.db.clone();
        workers.every("silent customers", CUSTOMERS, move || {
            let db = db.clone();
            async move { db.step(|conn| reminders::heed_next(conn, Utc::now())).await }
        });
        let (db, surveys) = (self.db.clone(), self.surveys.clone());
        workers.every("surveys", CUSTOMERS, move || {
            let (db, surveys) = (db.clone(), surveys.clone());
            async move { db.quiet_tx(move |conn| surveys.ask_next(conn, Utc::now())).await }
        });
    }

    /// Who is told of what happens.
    fn start_notifications(&self, workers: &Workers) {
        let (db, notifier, feed) = (self.db.clone(), self.notifier.clone(), self.feed.clone());
        workers.every("notifications", Duration::ZERO, move || {
            let (db, notifier, feed) = (db.clone(), notifier.clone(), feed.clone());
            async move {
                let seen = feed.last();
                let told = db.step(move |conn| notifier.tell_next(conn, Utc::now())).await?;
                if !told {
                    feed.beyond(seen).await;
                }
                Ok(told)
            }
        });
        let (db, notifier) = (self.db.clone(), self.notifier.clone());
        workers.every("digests", DIGESTS, move || {
            let (db, notifier) = (db.clone(), notifier.clone());
            async move { db.quiet_tx(move |conn| notifier.write_due(conn, Utc::now())).await }
        });
        let (db, notifier) = (self.db.clone(), self.notifier.clone());
        workers.every("old notifications", OLD_NOTIFICATIONS, move || {
            let (db, notifier) = (db.clone(), notifier.clone());
            async move { db.quiet_tx(move |conn| notifier.forget_old(conn, Utc::now())).await }
        });
    }

    /// What happens to tickets by itself. Whoever becomes available or closes something gets what waits at once: `news` is
    /// told of every change.
    fn start_ticket_workers(&self, workers: &Workers, news: Arc<Notify>) {
        let db = self.db.clone();
        workers.every("automatic transitions", AUTOMATIC, move || {
            let db = db.clone();
            async move { db.step(|conn| service::follow_automatic_transition(conn, Utc::now())).await }
        });
        let db = self.db.clone();
        workers.every("waiting tickets", Duration::ZERO, move || {
            let (db, news) = (db.clone(), Arc::clone(&news));
            async move {
                let given = db.step(|conn| service::assign_waiting(conn, Utc::now())).await?;
                if !given {
                    _ = tokio::time::timeout(WAITING, news.notified()).await;
                }
                Ok(given)
            }
        });
        let db = self.db.clone();
        workers.every("closed parents", AUTOMATIC, move || {
            let db = db.clone();
            async move { db.step(|conn| service::tell_child(conn, Utc::now())).await }
        });
        let db = self.db.clone();
        workers.every("abandoned drafts", Duration::from_secs(600), move || {
            let db = db.clone();
            async move { db.quiet_tx(|conn| service::forget_drafts(conn, Utc::now())).await }
        });
    }
}
