//! The Salesforce organization as a process of its own.
use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use fake_crm::salesforce::{FakeSalesforce, Settings};

/// A Salesforce organization that lives in memory.
#[derive(Parser)]
#[command(name = "fake-salesforce")]
struct Arguments {
    /// 0 takes any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long, default_value = "casebridge")]
    client_id: String,
    #[arg(long, default_value = "secret")]
    client_secret: String,
    /// Records to start with: {"User": [{"LastName": "..."}], "Account": [...]}
    #[arg(long)]
    seed: Option<PathBuf>,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { port, client_id, client_secret, seed } = Arguments::parse();
    let settings = Settings { port, client_id, client_secret, ..Settings::default() };
    let crm = FakeSalesforce::start_with(settings).await?;
    if let Some(file) = seed {
        crm.seed(serde_json::from_slice(&std::fs::read(file)?)?)?;
    }
    println!("listening on {}", crm.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
