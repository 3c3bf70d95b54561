//! Reports on a desk of 1,000,000 tickets: how long the facts take to be derived anew, how long each report takes, and what the desk feels of it.
//!
//! The same callers read and write at the desk without reports and while two reports are always at work, in turns and in one run, so that what else
//! the machine does weighs on both alike.
#[path = "../http/load.rs"]
mod load;
#[path = "../http/service.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod service;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use casebridge::db::Db;
use casebridge::db::embedded::Embedded;
use casebridge::kernel::Secret;
use casebridge::reports;
use casebridge::reports::service::Followed;
use chrono::{TimeDelta, Utc};
use clap::Parser as _;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use rand::RngExt as _;

use self::load::{Connection, NextRequest};
use self::service::{Service, command, request};

#[derive(Debug, clap::Parser)]
struct Options {
    #[arg(long, default_value_t = 1_000_000)]
    tickets: u64,
    /// Requests of each report.
    #[arg(long, default_value_t = 10)]
    requests: usize,
    /// Seconds of each round at the desk.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rounds without reports, and as many with.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure what a run before has loaded.
    #[arg(long)]
    reuse: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

const REPORTS: [&str; 9] = [
    "backlog",
    "volume",
    "response-times",
    "resolution-times",
    "sla",
    "reopens",
    "agent-load",
    "time",
    "csat",
];
/// What each report is asked about.
fn asked() -> [(&'static str, String); 4] {
    let three_years = (Utc::now() - TimeDelta::days(3 * 365)).date_naive();
    [
        ("30 days", String::new()),
        ("30 days by agent", "group_by=agent".into()),
        ("30 days, filtered", "priority=high".into()),
        ("3 years by month", format!("bucket=month&from={three_years}")),
    ]
}

/// Callers at the desk.
const CALLERS: usize = 8;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports");
    let embedded = Embedded::start(&folder, "postgres").await?;
    let done = measure(&options, &embedded, &folder).await;
    embedded.stop().await?;
    done
}

async fn measure(options: &Options, embedded: &Embedded, folder: &Path) -> anyhow::Result<()> {
    let name = format!("desk_{}", options.tickets);
    let url = embedded.url().replace("/postgres", &format!("/{name}"));
    if !options.reuse {
        load_desk(options, embedded, &url, &name, folder).await?;
    }
    derive(&url).await?;
    execute(&url, "vacuum analyze")?;
    let service = Service::start(&url, folder, false).await?;
    let token =
        command("token", &url, folder, &service.address).arg("coordinator").output().await?;
    let token = String::from_utf8(token.stdout)?.trim().to_owned();
    each(options, &service, &token).await?;
    together(options, &service, &token).await?;
    service.stop().await
}

async fn load_desk(
    options: &Options,
    embedded: &Embedded,
    url: &str,
    name: &str,
    folder: &Path,
) -> anyhow::Result<()> {
    execute(embedded.url(), &format!("drop database if exists {name} with (force)"))?;
    execute(embedded.url(), &format!("create database {name}"))?;
    Service::start(url, folder, false).await?.stop().await?;
    let started = Instant::now();
    let tickets =
        include_str!("../scale/data.sql").replace("{tickets}", &options.tickets.to_string());
    execute(url, &tickets)?;
    execute(url, include_str!("history.sql"))?;
    execute(url, "vacuum analyze")?;
    eprintln!("{} tickets loaded in {:.0} s", options.tickets, started.elapsed().as_secs_f64());
    Ok(())
}

fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    Ok(PgConnection::establish(url)?.batch_execute(sql)?)
}

/// Derives all facts anew from the whole log.
async fn derive(url: &str) -> anyhow::Result<()> {
    let url = Secret::new(url.to_owned());
    let db = tokio::task::spawn_blocking(move || Db::connect(&url, 1)).await??;
    db.quiet_tx(reports::service::rebuild).await?;
    let (started, mut steps) = (Instant::now(), Vec::new());
    loop {
        let step = Instant::now();
        let more = db.quiet_tx(|conn| reports::service::follow(conn, Utc::now())).await?;
        steps.push(step.elapsed().as_secs_f64() * 1000.0);
        if more != Followed::Some {
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "All facts derived anew in {seconds:.0} s; a step took {:.0} ms at the most.\n",
        part(&mut steps, 1.0)
    );
    Ok(())
}

/// How long each report takes with nothing else at work.
async fn each(options: &Options, service: &Service, token: &str) -> anyhow::Result<()> {
    let mut connection = Connection::open(&service.address).await?;
    println!("Milliseconds, p50 and worst:\n");
    println!("| report | {} |", asked().map(|(name, _)| name).join(" | "));
    println!("| --- | {}", "--- | ".repeat(asked().len()).trim_end());
    for report in REPORTS {
        let mut cells = Vec::new();
        for (_, asked) in asked() {
            let ask = request("GET", &format!("/v1/reports/{report}?{asked}"), token, "");
            let mut times = Vec::new();
            for _ in 0..options.requests {
                let sent = Instant::now();
                let (status, body) = connection.send(&ask).await?;
                anyhow::ensure!(
                    status == 200,
                    "{report}?{asked}: {status} {}",
                    String::from_utf8_lossy(body)
                );
                times.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            cells.push(format!("{:.0}, {:.0}", part(&mut times, 0.5), part(&mut times, 1.0)));
        }
        println!("| {report} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// What the desk feels: the same callers without and with two reports that are always at work.
async fn together(options: &Options, service: &Service, token: &str) -> anyhow::Result<()> {
    let time = Duration::from_secs(options.seconds);
    let (desk, reports) = (at_the_desk(token, options.tickets), any_report(token));
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        without.extend(load::run(&service.address, CALLERS, time, &desk).await?.latencies);
        let (served, reported) = tokio::try_join!(
            load::run(&service.address, CALLERS, time, &desk),
            load::run(&service.address, 2, time, &reports)
        )?;
        anyhow::ensure!(reported.errors == 0 && served.errors == 0, "an answer was no success");
        with.extend(served.latencies);
    }
    let ms = |values: Vec<u64>| {
        values.into_iter().map(|micros| micros as f64 / 1000.0).collect::<Vec<_>>()
    };
    let (mut without, mut with) = (ms(without), ms(with));
    println!("\n| at the desk | without reports, ms | with two reports, ms | ratio |");
    println!("| --- | --- | --- | --- |");
    for (name, place) in [("p50", 0.5), ("p99", 0.99)] {
        let (alone, beside) = (part(&mut without, place), part(&mut with, place));
        println!("| {name} | {alone:.2} | {beside:.2} | {:.2} |", beside / alone);
    }
    println!(
        "| requests | {} | {} | {:.2} |",
        without.len(),
        with.len(),
        with.len() as f64 / without.len() as f64
    );
    Ok(())
}

/// Six in ten read a ticket, three a list, and one adds a note.
fn at_the_desk(token: &str, tickets: u64) -> NextRequest {
    let token = token.to_owned();
    Arc::new(move |_| {
        let ticket = format!("/v1/tickets/{}", uuid_of(rand::rng().random_range(1..=tickets)));
        match rand::rng().random_range(0..10) {
            0..=5 => request("GET", &ticket, &token, ""),
            6..=8 => request("GET", "/v1/tickets?category=active", &token, ""),
            _ => {
                let number = 100 * rand::rng().random_range(1..=tickets / 100);
                let notes = format!("/v1/tickets/{}/notes", uuid_of(number));
                let note = r#"{"body": "We look into it", "visibility": "internal"}"#;
                request("POST", &notes, &token, note)
            }
        }
    })
}

/// As the loaded tickets have it.
fn uuid_of(number: u64) -> String {
    let digits = format!("{number:032}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn any_report(token: &str) -> NextRequest {
    let (token, asked) = (token.to_owned(), asked());
    Arc::new(move |_| {
        let report = REPORTS[rand::rng().random_range(0..REPORTS.len())];
        let (_, asked) = &asked[rand::rng().random_range(0..asked.len())];
        request("GET", &format!("/v1/reports/{report}?{asked}"), &token, "")
    })
}

/// The value that this part of all is below.
fn part(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}
