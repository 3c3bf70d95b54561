//! The command line.
mod reconcile;

use anyhow::Context as _;
use casebridge::app::{self, Service};
use casebridge::auth;
use casebridge::config::Config;
use casebridge::crm;
use casebridge::crm::adapters::{self, Access};
use casebridge::crm::probe::{self, Report};
use casebridge::crm::settings::Settings;
use casebridge::crm::vocabulary::Vocabulary;
use casebridge::kernel::{Role, Secret};
use casebridge::{reports, telemetry, webhooks};
use chrono::Utc;
use clap::{Parser, Subcommand};

/// Support tickets over HTTP, mirrored both ways as cases in the customer's CRM.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and do the background work; migrates the database first.
    Serve,
    /// Apply the migrations that are missing, and end.
    Migrate,
    /// Load the seed data into a database that has none, and end.
    Seed,
    /// Play the main job with a CRM beside it, and compare both sides in the end.
    Demo,
    /// Print a bearer token for somebody of this role, or for a person or client by id.
    Token {
        /// contact, agent, coordinator or admin.
        #[arg(value_parser = role, required_unless_present = "id")]
        role: Option<Role>,
        /// The id of a contact, agent or client.
        #[arg(long, conflicts_with = "role")]
        id: Option<uuid::Uuid>,
        /// Seconds that it is valid.
        #[arg(long, default_value_t = 86_400, value_parser = clap::value_parser!(i64).range(60..=86_400))]
        seconds: i64,
    },
    /// Try out a CRM on a case that is deleted again; fails when something is wrong.
    Probe {
        /// The name of a connection.
        #[arg(long, required_unless_present = "url", conflicts_with = "url")]
        connection: Option<String>,
        /// Where a CRM is that is not connected yet. Its secret is read from CRM_CLIENT_SECRET.
        #[arg(long)]
        url: Option<String>,
        #[arg(long)]
        client_id: Option<String>,
        /// What kind of CRM it is.
        #[arg(long, default_value = "suitecrm")]
        kind: String,
    },
    /// Compare every ticket with its case and print what differs; fails when drift remains.
    Reconcile {
        /// The name of a connection.
        #[arg(long)]
        connection: String,
        /// Have it put right, and compare again.
        #[arg(long)]
        repair: bool,
    },
    /// Seal every stored secret with the present secret key, so that the previous ones can go.
    Reseal,
    /// Have everything that reports count derived anew from the log, by the running service; until then it is shown as it was.
    RebuildReports,
    /// Print the OpenAPI specification.
    Openapi,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "one of contact, agent, coordinator, admin".into())
}

impl Cli {
    pub async fn run(self) -> anyhow::Result<()> {
        if matches!(self.command, Command::Openapi) {
            println!("{}", app::openapi().to_pretty_json()?);
            return Ok(());
        }
        if let Command::Probe { url: Some(url), client_id, kind, .. } = &self.command {
            return probe_url(kind, url, client_id.as_deref().unwrap_or_default()).await;
        }
        let config = Config::load()?;
        let _logs = telemetry::init_logs(&config)?;
        match self.command {
            Command::Serve => app::run(config).await,
            Command::Seed => app::attend(config, Service::seed).await,
            Command::Demo => crate::demo::run().await,
            Command::Migrate => app::attend(config, async |_| Ok(())).await,
            Command::Token { role, id, seconds } => {
                app::attend(config, async |service| token(service, role, id, seconds).await).await
            }
            Command::Probe { connection, .. } => {
                let name = connection.unwrap_or_default();
                app::attend(config, async |service| tell(&service.mirror.probe_named(&name).await?))
                    .await
            }
            Command::Reconcile { connection, repair } => {
                let work =
                    async |service: &Service| reconcile::run(service, &connection, repair).await;
                app::attend(config, work).await
            }
            Command::Reseal => app::attend(config, reseal).await,
            Command::RebuildReports => app::attend(config, rebuild_reports).await,
            Command::Openapi => Ok(()),
        }
    }
}

async fn token(
    service: &Service,
    role: Option<Role>,
    id: Option<uuid::Uuid>,
    seconds: i64,
) -> anyhow::Result<()> {
    let principal = service.db.read(move |conn| match id {
        Some(id) => auth::find_principal(conn, id),
        None => auth::first_of_role(conn, role.unwrap_or(Role::Agent)),
    });
    let principal = principal.await?;
    println!("{}", service.authenticator.sign(&principal, None, seconds, Utc::now()).await?);
    Ok(())
}

async fn rebuild_reports(service: &Service) -> anyhow::Result<()> {
    let tickets = service.db.quiet_tx(reports::service::rebuild).await?;
    println!("to be derived anew: {tickets} tickets");
    Ok(())
}

async fn reseal(service: &Service) -> anyhow::Result<()> {
    let mirror = service.mirror.clone();
    let resealed = service.db.quiet_tx(move |conn| {
        let key = mirror.secret();
        let keys = auth::reseal(conn, key, Utc::now())?;
        Ok((keys, crm::service::reseal(conn, key)?, webhooks::reseal(conn, key)?))
    });
    let (signing_keys, connections, webhooks) = resealed.await?;
    println!(
        "resealed: signing keys {signing_keys}, secrets of connections {connections}, of webhooks {webhooks}"
    );
    Ok(())
}

async fn probe_url(kind: &str, url: &str, client_id: &str) -> anyhow::Result<()> {
    let secret = std::env::var("CRM_CLIENT_SECRET").context("CRM_CLIENT_SECRET is not set")?;
    let known = || adapters::KINDS.iter().map(|kind| kind.key).collect::<Vec<_>>().join(", ");
    let kind = adapters::kind(kind).with_context(|| format!("the kinds of CRM are {}", known()))?;
    let crm = (kind.open)(Access::stock(kind, url, client_id, Secret::new(secret)))?;
    let settings = Settings::default();
    let words = Vocabulary::new(&settings, &kind.defaults);
    tell(&probe::probe(crm.as_ref(), words, kind.capabilities).await)
}

/// Prints the report; fails when something is wrong.
fn tell(report: &Report) -> anyhow::Result<()> {
    println!("{report}");
    anyhow::ensure!(report.passed(), "this CRM cannot be mirrored to as it is");
    Ok(())
}
