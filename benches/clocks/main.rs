//! The sweep of service levels over 1,000,000 open clocks beside one over 1,000: how long it takes to find that nothing is due, and to
//! find one that is and tell of it.
//!
//! Both desks are in the same PostgreSQL; the steps are those of the service's own loop, called on both desks in turns, so that what
//! else the machine does weighs on both alike.
#[path = "../http/load.rs"]
#[allow(dead_code, reason = "another benchmark uses the rest")]
mod load;
#[path = "../http/service.rs"]
#[allow(dead_code, reason = "another benchmark uses the rest")]
mod service;

use std::path::Path;
use std::time::Instant;

use casebridge::db::Db;
use casebridge::db::embedded::Embedded;
use casebridge::kernel::Secret;
use casebridge::sla;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser as _;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use self::service::Service;

#[derive(Debug, clap::Parser)]
struct Options {
    #[arg(long, default_value_t = 1_000)]
    small: u64,
    #[arg(long, default_value_t = 1_000_000)]
    large: u64,
    /// Steps of each kind on each desk.
    #[arg(long, default_value_t = 200)]
    steps: usize,
    /// Measure what a run before has loaded.
    #[arg(long)]
    reuse: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

struct Desk {
    db: Db,
    url: String,
    clocks: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clocks");
    let embedded = Embedded::start(&folder, "postgres").await?;
    let done = measure(&options, &embedded, &folder).await;
    embedded.stop().await?;
    done
}

async fn measure(options: &Options, embedded: &Embedded, folder: &Path) -> anyhow::Result<()> {
    let small = desk(options, embedded, folder, options.small).await?;
    let large = desk(options, embedded, folder, options.large).await?;
    let now = Utc::now();
    println!(
        "| step | {} clocks, p50 ms | {} clocks, p50 ms | p99 ms | ratio | met |",
        small.clocks, large.clocks
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    compare("nothing is due", [&small, &large], options.steps, now, false).await?;
    // Several clocks have come due by then on both desks.
    let later = now + TimeDelta::hours(2);
    compare("one is due: told", [&small, &large], options.steps, later, true).await?;
    println!("\n```\n{}\n```", plan(&large.url, now)?);
    Ok(())
}

/// Loads a desk with so many open clocks, unless an earlier run is used again.
async fn desk(
    options: &Options,
    embedded: &Embedded,
    folder: &Path,
    clocks: u64,
) -> anyhow::Result<Desk> {
    let name = format!("clocks_{clocks}");
    let url = embedded.url().replace("/postgres", &format!("/{name}"));
    let folder = folder.join(&name);
    std::fs::create_dir_all(&folder)?;
    if !options.reuse {
        execute(embedded.url(), &format!("drop database if exists {name} with (force)"))?;
        execute(embedded.url(), &format!("create database {name}"))?;
        Service::start(&url, &folder, false).await?.stop().await?;
        let started = Instant::now();
        execute(&url, &include_str!("data.sql").replace("{clocks}", &clocks.to_string()))?;
        execute(&url, "vacuum analyze")?;
        eprintln!("{clocks} clocks loaded in {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(Desk { db: Db::connect(&Secret::new(url.clone()), 1)?, url, clocks })
}

fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    Ok(PgConnection::establish(url)?.batch_execute(sql)?)
}

/// Steps on both desks in turns; each finds a clock to tell of, or none does.
async fn compare(
    name: &str,
    desks: [&Desk; 2],
    steps: usize,
    now: DateTime<Utc>,
    due: bool,
) -> anyhow::Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..steps + 20 {
        for (desk, times) in desks.iter().zip(&mut times) {
            let started = Instant::now();
            let told = desk.db.tx(move |conn| sla::tell_next(conn, now)).await;
            let time = started.elapsed().as_secs_f64() * 1000.0;
            let told = told.map_err(|error| anyhow::anyhow!("{error:?}"))?;
            anyhow::ensure!(told == due, "{} clocks: told {told} instead of {due}", desk.clocks);
            // The first ones plan and warm up.
            if number >= 20 {
                times.push(time);
            }
        }
    }
    let [mut small, mut large] = times;
    let (fast, slow, worst) =
        (part(&mut small, 0.5), part(&mut large, 0.5), part(&mut large, 0.99));
    let ratio = slow / fast;
    let met = if ratio < 2.0 && slow < 10.0 { "yes" } else { "NO" };
    println!("| {name} | {fast:.2} | {slow:.2} | {worst:.2} | {ratio:.2} | {met} |");
    Ok(())
}

/// How PostgreSQL finds what is due, as `lock_due` in `src/sla/store/clocks.rs` asks for it.
fn plan(url: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
        text: String,
    }
    let query = format!(
        "explain (analyze, buffers, costs off) select s.ticket_id from sla_clocks c join sla_tickets s using (ticket_id)
          where c.check_at < '{}' order by c.check_at limit 1 for update of s skip locked",
        (now + TimeDelta::hours(3)).to_rfc3339()
    );
    let lines: Vec<Line> = sql_query(query).load(&mut PgConnection::establish(url)?)?;
    Ok(lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n"))
}

/// The value that this part of all is below.
fn part(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}
