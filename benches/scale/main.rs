//! A desk of 1,000,000 tickets beside one of 10,000: the first page of every view and of common filters, and search.
//!
//! Both desks are in the same PostgreSQL, each with a service of its own; requests go to both in turns, one at a time, so
//! that what else the machine does weighs on both alike.
#[path = "../http/load.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod load;
mod queries;
#[path = "../http/service.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod service;

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use casebridge::db::embedded::Embedded;
use clap::Parser as _;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use rand::RngExt as _;

use self::load::Connection;
use self::queries::{ROLES, SEARCHES, pages};
use self::service::{Service, command, request};

#[derive(Debug, clap::Parser)]
struct Options {
    #[arg(long, default_value_t = 10_000)]
    small: u64,
    #[arg(long, default_value_t = 1_000_000)]
    large: u64,
    /// Requests of each kind to each desk.
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// Measure what a run before has loaded.
    #[arg(long)]
    reuse: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A loaded desk, its service, and tokens by role.
struct Desk {
    service: Service,
    tickets: u64,
    tokens: Vec<(&'static str, String)>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scale");
    let embedded = Embedded::start(&folder, "postgres").await?;
    let done = measure(&options, &embedded, &folder).await;
    embedded.stop().await?;
    done
}

async fn measure(options: &Options, embedded: &Embedded, folder: &Path) -> anyhow::Result<()> {
    let small = desk(options, embedded, folder, options.small).await?;
    let large = desk(options, embedded, folder, options.large).await?;
    compare(options, &small, &large).await?;
    search(options, &large).await?;
    small.service.stop().await?;
    large.service.stop().await
}

/// Loads a desk of this size, unless an earlier run is used again, and starts its service without background work.
async fn desk(
    options: &Options,
    embedded: &Embedded,
    folder: &Path,
    tickets: u64,
) -> anyhow::Result<Desk> {
    let name = format!("desk_{tickets}");
    let url = embedded.url().replace("/postgres", &format!("/{name}"));
    let folder = folder.join(&name);
    std::fs::create_dir_all(&folder)?;
    if !options.reuse {
        execute(embedded.url(), &format!("drop database if exists {name} with (force)"))?;
        execute(embedded.url(), &format!("create database {name}"))?;
        Service::start(&url, &folder, false).await?.stop().await?;
        let started = Instant::now();
        execute(&url, &include_str!("data.sql").replace("{tickets}", &tickets.to_string()))?;
        execute(&url, "vacuum analyze")?;
        eprintln!("{tickets} tickets loaded in {:.0} s", started.elapsed().as_secs_f64());
    }
    let service = Service::start(&url, &folder, false).await?;
    let mut tokens = Vec::new();
    for role in ROLES {
        let token = command("token", &url, &folder, &service.address).arg(role).output().await?;
        tokens.push((role, String::from_utf8(token.stdout)?.trim().to_owned()));
    }
    Ok(Desk { service, tickets, tokens })
}

fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    Ok(PgConnection::establish(url)?.batch_execute(sql)?)
}

impl Desk {
    async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.service.address).await
    }

    fn get(&self, role: &str, path: &str) -> anyhow::Result<Vec<u8>> {
        let token = self.tokens.iter().find(|(name, _)| *name == role).context("no such role")?;
        Ok(request("GET", path, &token.1, ""))
    }
}

/// Sends a request; tells in milliseconds how long its answer took, and how many tickets it holds.
async fn timed(connection: &mut Connection, request: &[u8]) -> anyhow::Result<(f64, usize)> {
    let sent = Instant::now();
    let (status, body) = connection.send(request).await?;
    anyhow::ensure!(status == 200, "{status} {}", String::from_utf8_lossy(body));
    let time = sent.elapsed().as_secs_f64() * 1000.0;
    let tickets = body.windows(10).filter(|part| part == b"\"number\":\"").count();
    Ok((time, tickets))
}

async fn compare(options: &Options, small: &Desk, large: &Desk) -> anyhow::Result<()> {
    let (mut to_small, mut to_large) = (small.connect().await?, large.connect().await?);
    println!(
        "| first page | caller | rows | {} tickets, p50 ms | {} tickets, p50 ms | ratio | met |",
        small.tickets, large.tickets
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for role in ROLES {
        for (name, path) in pages(role) {
            let (ask_small, ask_large) = (small.get(role, &path)?, large.get(role, &path)?);
            let (mut fast, mut slow, mut tickets) = (Vec::new(), Vec::new(), (0, 0));
            for number in 0..options.requests + 20 {
                let times = (
                    timed(&mut to_small, &ask_small).await?,
                    timed(&mut to_large, &ask_large).await?,
                );
                // The first ones plan and warm up.
                if number >= 20 {
                    fast.push(times.0.0);
                    slow.push(times.1.0);
                    tickets = (times.0.1, times.1.1);
                }
            }
            let (fast, slow) = (part(&mut fast, 0.5), part(&mut slow, 0.5));
            let ratio = slow / fast;
            let met = if ratio < 2.0 { "yes" } else { "NO" };
            println!(
                "| {name} | {role} | {}, {} | {fast:.2} | {slow:.2} | {ratio:.2} | {met} |",
                tickets.0, tickets.1
            );
        }
    }
    Ok(())
}

async fn search(options: &Options, desk: &Desk) -> anyhow::Result<()> {
    let mut connection = desk.connect().await?;
    println!("\n| search among {} tickets | caller | p50 ms | p99 ms | met |", desk.tickets);
    println!("| --- | --- | --- | --- | --- |");
    for (name, words, path) in SEARCHES {
        for role in ROLES {
            let mut times = Vec::new();
            for number in 0..options.requests * 2 + 20 {
                let word = rand::rng().random_range(words.clone());
                let time = timed(&mut connection, &desk.get(role, &path(word))?).await?.0;
                if number >= 20 {
                    times.push(time);
                }
            }
            let (p50, p99) = (part(&mut times, 0.5), part(&mut times, 0.99));
            let met = if p99 < 50.0 { "yes" } else { "NO" };
            println!("| {name} | {role} | {p50:.1} | {p99:.1} | {met} |");
        }
    }
    Ok(())
}

/// The value that this part of all is below.
fn part(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}
