//! The mirror against a CRM that takes a fixed time for each call: how close it comes to what the CRM allows, how soon a
//! change arrives, and what it keeps in memory.
mod backfill;
mod bench;
mod idle;
mod throughput;

use clap::Parser as _;

use self::bench::Bench;

#[derive(Debug, clap::Parser)]
struct Options {
    /// Tickets that are changed at once.
    #[arg(long, default_value_t = 10_000)]
    changes: i64,
    /// Changes one by one, while nothing else is to be done.
    #[arg(long, default_value_t = 500)]
    singles: usize,
    /// Tickets that a new connection finds.
    #[arg(long, default_value_t = 100_000)]
    tickets: i64,
    /// Milliseconds that the CRM takes for a call; the backfill is measured without any.
    #[arg(long, default_value_t = 20)]
    latency: u64,
    /// Calls of the CRM at a time.
    #[arg(long, default_value_t = 8)]
    concurrency: u16,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut bench = Bench::start(options.concurrency).await?;
    bench.add_tickets(options.changes)?;
    bench.connect().await?;
    bench.until_at_rest().await?;
    println!("| what | reached | wanted |");
    println!("| --- | --- | --- |");
    throughput::measure(&bench, &options).await?;
    idle::measure(&bench, &options).await?;
    bench.add_tickets(options.tickets - options.changes)?;
    backfill::measure(&mut bench, options.tickets).await?;
    bench.stop().await
}
