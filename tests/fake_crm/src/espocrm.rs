//! The EspoCRM as a process of its own.
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use fake_crm::espo::{FakeEspo, Settings};

/// An EspoCRM that lives in memory.
#[derive(Parser)]
#[command(name = "fake-espocrm")]
struct Arguments {
    /// 0 takes any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long, default_value = "key")]
    api_key: String,
    /// Records to start with: {"User": [{"userName": "..."}], "Account": [...]}
    #[arg(long)]
    seed: Option<PathBuf>,
    /// Seconds between two runs of the job that sends webhooks
    #[arg(long, default_value_t = 1)]
    webhook_seconds: u64,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { port, api_key, seed, webhook_seconds } = Arguments::parse();
    let crm = FakeEspo::start_with(Settings { port, api_key, ..Settings::default() }).await?;
    if let Some(file) = seed {
        crm.seed(serde_json::from_slice(&std::fs::read(file)?)?)?;
    }
    println!("listening on {}", crm.url());
    let mut job = tokio::time::interval(Duration::from_secs(webhook_seconds.max(1)));
    loop {
        tokio::select! {
            _ = job.tick() => drop(crm.send_webhooks().await),
            stopped = tokio::signal::ctrl_c() => return Ok(stopped?),
        }
    }
}
