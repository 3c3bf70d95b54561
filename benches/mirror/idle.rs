//! One change after the other, while nothing else is to be done: when each is in the CRM.
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::Options;
use super::bench::Bench;

pub async fn measure(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    bench.crm.set_latency(Duration::from_millis(options.latency));
    let mirrors = bench.rows(
        "select ticket_id::text as id, remote_id as name, '' as more from crm_mirrors order by ticket_id limit 50",
    )?;
    let mut took = Vec::new();
    for n in 0..options.singles {
        let mirror = &mirrors[n % mirrors.len()];
        let (priority, code) =
            if (n / mirrors.len()) % 2 == 0 { ("low", "P3") } else { ("high", "P1") };
        let path = format!("/v1/tickets/{}", mirror.id);
        let began = Instant::now();
        bench.call(Method::PATCH, &path, Some(json!({ "priority": priority }))).await?;
        while bench
            .crm
            .record("Cases", &mirror.name)
            .is_none_or(|case| case.value("priority") != code)
        {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "a change does not arrive");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(began.elapsed());
        // Not in step with anything that happens at intervals.
        tokio::time::sleep(Duration::from_millis(20 + (n as u64 * 37) % 90)).await;
    }
    took.sort_unstable();
    let own = 2.0 * options.latency as f64;
    for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
        let at = took[((took.len() as f64 * part) as usize).min(took.len() - 1)];
        let above = at.as_secs_f64() * 1000.0 - own;
        println!(
            "| {name} from a change to its case, above the CRM's own {own} ms | {above:.1} ms | < 100 ms |"
        );
    }
    Ok(())
}
