//! A new connection finds many tickets: how long it takes, and that it needs no more memory for more of them.
use std::time::{Duration, Instant};

use super::bench::Bench;

pub async fn measure(bench: &mut Bench, tickets: i64) -> anyhow::Result<()> {
    let before = bench.memory()?;
    let began = Instant::now();
    bench.connect().await?;
    let connected = began.elapsed().as_secs_f64();
    let mut samples = Vec::new();
    loop {
        let left = bench.backlog()?;
        samples.push((left, bench.memory()?));
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    bench.until_at_rest().await?;
    let most = |from: i64, to: i64| {
        let within = samples.iter().filter(|(left, _)| (from..to).contains(&(tickets - left)));
        within.map(|(_, memory)| *memory).fold(0.0, f64::max)
    };
    let tenth = tickets / 10;
    let (early, late) = (most(tenth, 3 * tenth), most(8 * tenth, tickets + 1));
    println!("| seconds to connect with {tickets} tickets | {connected:.1} | |");
    println!("| cases/s made in the backfill | {:.0} | |", tickets as f64 / seconds);
    println!("| memory before | {before:.0} MB | |");
    println!(
        "| most memory from 10% to 30%, and from 80% on | {early:.0} MB, {late:.0} MB | flat |"
    );
    let health = bench.health().await?;
    anyhow::ensure!(health["linked"].as_i64() >= Some(tickets), "{health}");
    Ok(())
}
