//! The service over HTTP against `pgbench -M prepared` that executes the same statements in the same database.
//!
//! Both run in turns, in short rounds, so that what else the machine does weighs on both alike. What is told is the
//! ratio, which carries over to other machines, unlike requests per second.
mod database;
mod load;
mod pgbench;
mod scenarios;
mod service;
mod statements;

use std::path::Path;
use std::time::Duration;

use clap::Parser as _;

use self::database::Database;
use self::scenarios::Scenario;
use self::service::Service;

#[derive(Debug, clap::Parser)]
struct Options {
    /// Only the scenarios whose name contains this.
    only: Option<String>,
    /// Rounds of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a round.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Connections of each side.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Print the statements of each request instead.
    #[arg(long)]
    statements: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let database = Database::start(&folder).await?;
    let done = measure(&options, &database, &folder).await;
    database.stop().await?;
    done
}

async fn measure(options: &Options, database: &Database, folder: &Path) -> anyhow::Result<()> {
    // Without background work, so that the statements are those of the requests alone.
    let service = Service::start(&database.url, folder, false).await?;
    database.load()?;
    let mut scenarios = scenarios::all(&service).await?;
    scenarios.retain(|s| options.only.as_ref().is_none_or(|part| s.name.contains(part)));
    let mut round_trips = Vec::new();
    for scenario in &mut scenarios {
        round_trips
            .push(statements::check(database, &service, scenario, options.statements).await?);
        scenario.variables.extend(database.written()?);
    }
    service.stop().await?;
    if options.statements {
        return Ok(());
    }
    let service = Service::start(&database.url, folder, true).await?;
    println!(
        "| scenario | requests/s | p50 ms | p99 ms | errors | round trips | pgbench/s | ratio | least | met |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut rates = Vec::new();
    for (scenario, round_trips) in scenarios.iter().zip(round_trips) {
        rates.push((
            scenario.name,
            compare(options, database, &service, scenario, round_trips).await?,
        ));
    }
    let rate = |name| rates.iter().find(|(other, _)| *other == name).map(|(_, rate)| *rate);
    if let (Some(first), Some(deep)) = (rate(scenarios::FIRST_PAGE), rate(scenarios::DEEP_PAGE)) {
        println!(
            "\nA page behind 90,000 tickets costs {:.2} times the first (1.2 at the most).",
            first / deep
        );
    }
    service.stop().await
}

/// Lets both sides run in turns, prints the line of the scenario, and returns the service's requests per second.
async fn compare(
    options: &Options,
    database: &Database,
    service: &Service,
    scenario: &Scenario,
    round_trips: i64,
) -> anyhow::Result<f64> {
    let time = Duration::from_secs(options.seconds);
    let (mut rates, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut latencies, mut errors) = (Vec::new(), 0);
    // The first round of each side warms up and does not count.
    for round in 0..=options.rounds {
        database.settle()?;
        let limit = pgbench::run(database, scenario, options.connections, time, round).await?;
        database.settle()?;
        let seen =
            load::run(&service.address, options.connections, time, &scenario.request).await?;
        errors += seen.errors;
        if round > 0 {
            let rate = seen.latencies.len() as f64 / seen.seconds;
            rates.push(rate);
            limits.push(limit);
            ratios.push(rate / limit);
            latencies.extend(seen.latencies);
        }
    }
    latencies.sort_unstable();
    let milliseconds =
        |part: f64| latencies[(latencies.len() as f64 * part) as usize] as f64 / 1000.0;
    let (rate, ratio) = (median(&mut rates), median(&mut ratios));
    println!(
        "| {} | {rate:.0} | {:.2} | {:.2} | {errors} | {round_trips} | {:.0} | {ratio:.2} | {:.1} | {} |",
        scenario.name,
        milliseconds(0.5),
        milliseconds(0.99),
        median(&mut limits),
        scenario.least,
        if ratio >= scenario.least && errors == 0 { "yes" } else { "NO" },
    );
    Ok(rate)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
