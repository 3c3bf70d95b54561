//! Mails that wait, leave: how fast, compared with a program that does nothing but send, and what that costs whoever uses the
//! API meanwhile.
//!
//! The mail server is a small one in this process, which takes as long over a mail as it is told to.
mod pace;
mod service;
#[path = "../../tests/api/support/smtp.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the tests use all of it, and stop where it fails"
)]
mod smtp;

use std::time::{Duration, Instant};

use clap::Parser as _;

use self::service::Service;
use self::smtp::{Act, Sink};

#[derive(Debug, clap::Parser)]
struct Options {
    /// Mails that wait.
    #[arg(long, default_value_t = 10_000)]
    mails: usize,
    /// Milliseconds that the mail server takes over a mail.
    #[arg(long, default_value_t = 2)]
    delay: u64,
    /// Connections to the mail server.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// API requests that are under way at a time.
    #[arg(long, default_value_t = 4)]
    callers: usize,
    /// Seconds over which the API is measured while no mail waits.
    #[arg(long, default_value_t = 10)]
    idle_seconds: u64,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let pause = Duration::from_millis(options.delay);
    let script = move |asked: &smtp::Asked<'_>| match asked.command {
        "." => Act::After(pause),
        _ => Act::Accept,
    };
    let alone = Sink::scripted(script).await;
    let began = Instant::now();
    pace::send(alone.port, options.mails, options.connections).await?;
    let alone = rate(options.mails, began.elapsed());
    let sink = Sink::scripted(script).await;
    let service = Service::start(&sink.url(), options.connections).await?;
    let done = measure(&options, &service, &sink, alone).await;
    service.stop().await?;
    done
}

async fn measure(
    options: &Options,
    service: &Service,
    sink: &Sink,
    alone: f64,
) -> anyhow::Result<()> {
    let seconds = tokio::time::sleep(Duration::from_secs(options.idle_seconds));
    let idle = pace::call(service, options.callers, seconds).await?;
    // The desk's own ticket has been told of meanwhile.
    let all = sink.count() + options.mails;
    service.queue(options.mails)?;
    let began = Instant::now();
    let busy = pace::call(service, options.callers, all_arrived(sink, all)).await?;
    let rate = rate(options.mails, began.elapsed());
    anyhow::ensure!(sink.count() == all, "{} mails came instead of {all}", sink.count());
    println!("| | mails/s | of the sink's pace | API requests/s | p50 ms | p99 ms |");
    println!("| --- | --- | --- | --- | --- | --- |");
    println!("| only sending | {alone:.0} | 1.00 | | | |");
    println!("| no mail waits | | | {idle} |");
    println!("| {} mails wait | {rate:.0} | {:.2} | {busy} |", options.mails, rate / alone);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn rate(mails: usize, time: Duration) -> f64 {
    mails as f64 / time.as_secs_f64()
}

async fn all_arrived(sink: &Sink, mails: usize) {
    while sink.count() < mails {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
