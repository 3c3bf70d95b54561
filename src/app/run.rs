//! Start in order, run until told to stop, stop in the opposite order.
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};

use crate::attachments::Files;
use crate::auth::{self, Authenticator};
use crate::config::Config;
use crate::db::Db;
use crate::db::embedded::Embedded;
use crate::events::{Feed, Live};
use crate::kernel::{Secret, SecretKey};
use crate::reports::Reports;
use crate::tickets::service;
use crate::workers::Workers;
use crate::{
    bulk, crm, export, inbound, jobs, mail, notifications, seed, surveys, telemetry, webhooks,
};

/// How long a step in hand is waited for at shutdown.
const STEP_GRACE: Duration = Duration::from_secs(5);
/// How often is looked for what other processes published.
const LISTENERS: Duration = Duration::from_secs(1);

/// What the handlers and the workers share.
#[derive(Clone)]
pub struct Service {
    pub config: Arc<Config>,
    pub db: Db,
    pub feed: Feed,
    pub live: Live,
    pub authenticator: Authenticator,
    pub metrics: PrometheusHandle,
    pub mirror: crm::Engine,
    pub jobs: jobs::Runner,
    pub inbox: crm::Inbox,
    pub mailer: mail::Mailer,
    pub files: Files,
    pub intake: inbound::Intake,
    pub mailbox: inbound::Poller,
    pub filing: inbound::Filing,
    pub surveys: surveys::Surveys,
    pub notifier: notifications::Notifier,
    pub webhooks: webhooks::Webhooks,
    pub reports: Reports,
    pub exports: export::Exports,
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
        let webhooks = webhooks::Webhooks::new(db.clone(), Arc::clone(&secret), &config)?;
        let reports = Reports::new(&config, &db).context("reports cannot be read like this")?;
        let (intake, mailbox) = mail_in(&config, &db, &secret)?;
        let filing = inbound::Filing::new(intake.clone(), files.clone());
        let authenticator = Authenticator::new(db.clone(), secret, config.public_url.clone());
        let metrics = telemetry::init_metrics()?;
        let config = Arc::new(config);
        let exports = export::Exports::new(db.clone());
        let feed = Feed::new();
        let live = Live::new(db.clone(), feed.clone(), config.database_pool);
        Ok(Self {
            config,
            db,
            feed,
            live,
            authenticator,
            metrics,
            mirror,
            jobs,
            inbox,
            mailer,
            files,
            intake,
            mailbox,
            filing,
            surveys,
            notifier,
            webhooks,
            reports,
            exports,
        })
    }

    /// Loads the seed data into a database that has none; does nothing otherwise.
    pub async fn seed(&self) -> anyhow::Result<()> {
        Ok(self.db.tx(|conn| seed::load(conn, Utc::now())).await?)
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
        jobs::Kind::new(webhooks::REPLAY, db, webhooks::replay_step),
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
    service.webhooks.close();
    let stopped = || async {
        workers.stop().await;
        mirror.finished().await;
        service.webhooks.finished().await;
    };
    if tokio::time::timeout(STEP_GRACE, stopped()).await.is_ok() {
        return;
    }
    mirror.halt();
    service.jobs.halt();
    service.webhooks.halt();
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
    let live = service.live.clone();
    workers.every("listeners", LISTENERS, move || {
        let live = live.clone();
        async move { live.look().await.map(|()| false) }
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
