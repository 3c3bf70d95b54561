//! Start in order, run until told to stop, stop in the opposite order.
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{TimeDelta, Utc};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::attachments::Files;
use crate::auth::{self, Authenticator};
use crate::config::Config;
use crate::db::Db;
use crate::db::embedded::Embedded;
use crate::events::{self, Consumer, Feed};
use crate::kernel::{Secret, SecretKey};
use crate::tickets::service;
use crate::workers::Workers;
use crate::{
    bulk, crm, http, inbound, jobs, mail, notifications, reminders, schedule, seed, surveys,
    telemetry,
};

/// Who is told about published events, in the transaction that publishes them.
pub const CONSUMERS: &[Consumer] = &[crm::mark_dirty];
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
/// How often it is looked for reminders that are due and for what was missed.
const SCHEDULE: Duration = Duration::from_secs(1);
/// How often mails are looked for, by each connection that has none to send.
const MAIL_IDLE: Duration = Duration::from_millis(500);
/// How often is told how many mails wait.
const MAIL_FIGURES: Duration = Duration::from_secs(5);
/// How often it is looked for files that nobody needs.
const FILES: Duration = Duration::from_secs(60);
/// How often it is looked for customers who do not reply, and for whom to ask how satisfied they are.
const CUSTOMERS: Duration = Duration::from_secs(1);
/// How often it is looked for what people are to be told of, and for mails to them that waited.
const NOTIFICATIONS: Duration = Duration::from_millis(500);
/// How often it is looked for what people were told long ago.
const OLD_NOTIFICATIONS: Duration = Duration::from_secs(600);
/// How often automatic transitions are looked for.
const AUTOMATIC: Duration = Duration::from_millis(500);
/// How often waiting tickets are looked at when nothing happens: time alone makes agents available.
const WAITING: Duration = Duration::from_secs(1);
/// How long a step in hand is waited for at shutdown.
const STEP_GRACE: Duration = Duration::from_secs(5);
/// How long an idempotency key is kept.
const KEEP_KEYS: TimeDelta = TimeDelta::hours(25);

/// What the handlers and the workers share.
#[derive(Clone)]
pub struct Service {
    pub config: Arc<Config>,
    pub db: Db,
    pub feed: Feed,
    pub authenticator: Authenticator,
    pub metrics: PrometheusHandle,
    pub mirror: crm::Engine,
    pub jobs: jobs::Runner,
    pub inbox: crm::Inbox,
    pub mailer: mail::Mailer,
    pub files: Files,
    pub intake: inbound::Intake,
    pub mailbox: inbound::Poller,
    pub surveys: surveys::Surveys,
    pub notifier: notifications::Notifier,
}

impl Service {
    /// Prepares a migrated database for serving. Fails when stored secrets cannot be opened with this secret key.
    pub async fn new(config: Config, db: Db) -> anyhow::Result<Self> {
        let secret = Arc::new(config.secret_key()?);
        let key = Arc::clone(&secret);
        db.tx(move |conn| auth::ensure_signing_key(conn, &key, Utc::now())).await.context(
            "the signing keys cannot be used; is this the secret key they were made with?",
        )?;
        let mirror = crm::Engine::new(db.clone(), Arc::clone(&secret), config.public_url.clone());
        let jobs = jobs::Runner::new(db.clone(), kinds_of_job(&db, &mirror));
        let inbox = crm::Inbox::new(db.clone(), Arc::clone(&secret), config.public_url.clone());
        let server = mail::Server::new(&config).context("mail cannot be sent like this")?;
        let mailer = mail::Mailer::new(db.clone(), Arc::clone(&secret), server);
        let files = Files::new(&config, db.clone(), Arc::clone(&secret))?;
        let surveys = surveys::Surveys::new(Arc::clone(&secret), &config);
        let notifier = notifications::Notifier::new(surveys.clone());
        let (intake, mailbox) = mail_in(&config, &db, &secret)?;
        let authenticator = Authenticator::new(db.clone(), secret, config.public_url.clone());
        let metrics = telemetry::init_metrics()?;
        let config = Arc::new(config);
        let feed = Feed::new();
        Ok(Self {
            config,
            db,
            feed,
            authenticator,
            metrics,
            mirror,
            jobs,
            inbox,
            mailer,
            files,
            intake,
            mailbox,
            surveys,
            notifier,
        })
    }

    /// Loads the seed data into a database that has none; does nothing otherwise.
    pub async fn seed(&self) -> anyhow::Result<()> {
        Ok(self.db.tx(|conn| seed::load(conn, Utc::now())).await?)
    }

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
        self.start_mail(&workers);
        self.start_customer_workers(&workers);
        self.start_notifications(&workers);
        self.start_ticket_workers(&workers, news);
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
                db.tx(move |conn| Ok(http::sweep_idempotency_keys(conn, before)?)).await?;
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
        for _ in 0..JOBS_AT_ONCE {
            let jobs = self.jobs.clone();
            workers.every("jobs", JOBS_IDLE, move || {
                let jobs = jobs.clone();
                async move { jobs.step_due(Utc::now()).await }
            });
        }
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
    }

    /// Reminders, and what was missed.
    fn start_schedule(&self, workers: &Workers) {
        let db = self.db.clone();
        workers.every("schedule", SCHEDULE, move || {
            let db = db.clone();
            async move { db.tx(|conn| schedule::service::sweep(conn, Utc::now())).await }
        });
    }

    /// What goes out by mail.
    fn start_mail(&self, workers: &Workers) {
        for _ in 0..self.config.smtp_connections {
            let mailer = self.mailer.clone();
            workers.every("mail", MAIL_IDLE, move || {
                let mailer = mailer.clone();
                async move { mailer.send_due(Utc::now()).await }
            });
        }
        let mailer = self.mailer.clone();
        workers.every("mail figures", MAIL_FIGURES, move || {
            let mailer = mailer.clone();
            async move {
                mailer.tell_figures(Utc::now()).await?;
                mailer.sweep(Utc::now()).await
            }
        });
    }

    /// What customers are told and asked by itself.
    fn start_customer_workers(&self, workers: &Workers) {
        let db = self.db.clone();
        workers.every("silent customers", CUSTOMERS, move || {
            let db = db.clone();
            async move { db.tx(|conn| reminders::heed_next(conn, Utc::now())).await }
        });
        let (db, surveys) = (self.db.clone(), self.surveys.clone());
        workers.every("surveys", CUSTOMERS, move || {
            let (db, surveys) = (db.clone(), surveys.clone());
            async move { db.quiet_tx(move |conn| surveys.ask_next(conn, Utc::now())).await }
        });
    }

    /// Who is told of what happens.
    fn start_notifications(&self, workers: &Workers) {
        let (db, notifier) = (self.db.clone(), self.notifier.clone());
        workers.every("notifications", NOTIFICATIONS, move || {
            let (db, notifier) = (db.clone(), notifier.clone());
            async move { db.tx(move |conn| notifier.tell_next(conn, Utc::now())).await }
        });
        let (db, notifier) = (self.db.clone(), self.notifier.clone());
        workers.every("digests", NOTIFICATIONS, move || {
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
            async move { db.tx(|conn| service::follow_automatic_transition(conn, Utc::now())).await }
        });
        let db = self.db.clone();
        workers.every("waiting tickets", Duration::ZERO, move || {
            let (db, news) = (db.clone(), Arc::clone(&news));
            async move {
                let given = db.tx(|conn| service::assign_waiting(conn, Utc::now())).await?;
                if !given {
                    _ = tokio::time::timeout(WAITING, news.notified()).await;
                }
                Ok(given)
            }
        });
        let db = self.db.clone();
        workers.every("closed parents", AUTOMATIC, move || {
            let db = db.clone();
            async move { db.tx(|conn| service::tell_child(conn, Utc::now())).await }
        });
        let db = self.db.clone();
        workers.every("abandoned drafts", Duration::from_secs(600), move || {
            let db = db.clone();
            async move { db.quiet_tx(|conn| service::forget_drafts(conn, Utc::now())).await }
        });
    }
}

/// Where mails come in, and the mailbox that is read.
fn mail_in(
    config: &Config,
    db: &Db,
    key: &Arc<SecretKey>,
) -> anyhow::Result<(inbound::Intake, inbound::Poller)> {
    let own = |from: &String| Some(from.rsplit_once('@')?.1.trim_end_matches('>').to_owned());
    let domain = config.mail_domain.clone().or_else(|| config.mail_from.as_ref().and_then(own));
    let desk = inbound::Desk { key: Arc::clone(key), domain };
    let intake = inbound::Intake::new(db.clone(), desk, config.inbound_bytes_max);
    let settings = inbound::ImapSettings::of(config).context("the configuration is wrong")?;
    Ok((intake.clone(), inbound::Poller::new(intake, settings)))
}

/// What each kind of job does.
fn kinds_of_job(db: &Db, mirror: &crm::Engine) -> Vec<jobs::Kind> {
    vec![
        jobs::Kind::new(bulk::BULK, db, bulk::step),
        jobs::Kind::new(crm::BACKFILL, mirror, crm::Engine::backfill),
        jobs::Kind::new(crm::IMPORT, mirror, crm::Engine::import),
        jobs::Kind::new(crm::RECONCILE, mirror, crm::Engine::reconcile),
        jobs::Kind::new(service::MOVE_STATUS, db, service::move_some),
        jobs::Kind::new(service::MATRIX_JOB, db, service::matrix_job_step),
    ]
}

/// The migrated database: the configured one, or the embedded cluster. Of the latter, the one that a running service
/// has, or else a new one, which is returned to be stopped last.
pub async fn connect(config: &Config) -> anyhow::Result<(Db, Option<Embedded>)> {
    let running = || Embedded::running(&config.data_dir).map(Secret::new);
    let (url, embedded) = match config.database_url.clone().or_else(running) {
        Some(url) => (url, None),
        None => {
            let embedded = Embedded::start(&config.data_dir, "casebridge").await?;
            (Secret::new(embedded.url()), Some(embedded))
        }
    };
    let size = config.database_pool;
    let db = tokio::task::spawn_blocking(move || Db::connect(&url, size)).await?;
    let db = db.context("the database cannot be reached")?;
    let applied = db.migrate().await?;
    tracing::debug!(applied, "the database is migrated");
    Ok((db, embedded))
}

/// Gives `work` the service without serving: for commands.
pub async fn attend<T>(
    config: Config,
    work: impl AsyncFnOnce(&Service) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (db, embedded) = connect(&config).await?;
    let service = Service::new(config, db).await?;
    let done = work(&service).await;
    drop(service);
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    done
}

/// Lets the workers finish the step in hand, unless that takes too long: a CRM may not answer.
async fn stop_workers(workers: &Workers, service: &Service) {
    let mirror = &service.mirror;
    mirror.close();
    service.mailer.close();
    service.mailbox.close();
    let stopped = || async {
        workers.stop().await;
        mirror.finished().await;
    };
    if tokio::time::timeout(STEP_GRACE, stopped()).await.is_ok() {
        return;
    }
    mirror.halt();
    service.jobs.halt();
    if tokio::time::timeout(STEP_GRACE, stopped()).await.is_err() {
        tracing::warn!("a step does not end; what it held is free again when its lease is over");
    }
}

/// Serves until SIGTERM or SIGINT, then: no new requests, finish those in flight, finish the workers' steps,
/// stop PostgreSQL if it is ours.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(config.listen);
    let listener = listener.with_context(|| format!("cannot listen on {}", config.listen))?;
    let (db, embedded) = connect(&config).await?;
    let service = Service::new(config, db).await?;
    if service.config.seed {
        service.seed().await.context("the seed data cannot be loaded")?;
    }
    let workers = if service.config.workers { service.start_workers() } else { Workers::default() };
    let metrics = service.metrics.clone();
    // Without this, observations that nobody collects would pile up.
    workers.every("metrics", Duration::from_secs(5), move || {
        metrics.run_upkeep();
        std::future::ready(Ok(false))
    });
    let server = super::server(listener, &service)?;
    let handle = server.handle();
    let server = tokio::spawn(server);
    let url = &service.config.public_url;
    tracing::info!(listen = %service.config.listen, docs = format!("{url}/docs/"), "casebridge is ready");
    println!("{}", greeting(&service.config));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("shutting down");
    service.feed.close();
    handle.stop(true).await;
    server.await??;
    stop_workers(&workers, &service).await;
    drop(service);
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    tracing::info!("stopped");
    Ok(())
}

/// What a person who has just started the service wants to know.
fn greeting(config: &Config) -> String {
    let url = &config.public_url;
    let program = std::env::args().next().unwrap_or_else(|| "casebridge".into());
    format!(
        "\nCasebridge serves on {url}\n  Swagger UI   {url}/docs/\n  a token      {program} token admin|coordinator|agent|contact\n"
    )
}
