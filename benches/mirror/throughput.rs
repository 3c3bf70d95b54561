//! Many tickets changed at once: the rate that is reached beside the rate that the CRM allows.
use std::time::{Duration, Instant};

use super::Options;
use super::bench::Bench;

const CHANGED: &str = "update tickets set priority = 3, version = version + 1;
    update crm_mirrors set dirty_since = now(), dirty_seq = dirty_seq + 1, next_attempt_at = now()";
const STATEMENTS: &str = "select coalesce(sum(calls), 0)::bigint as number from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database()) and query not like '%pg_stat_statements%'";

pub async fn measure(bench: &Bench, options: &Options) -> anyhow::Result<()> {
    bench.crm.set_latency(Duration::from_millis(options.latency));
    bench.sql("vacuum analyze")?;
    bench.sql("select pg_stat_statements_reset()")?;
    bench.crm.clear_calls();
    bench.sql(&format!("set session_replication_role = replica; {CHANGED}"))?;
    while bench.crm.counters().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let began = Instant::now();
    let wanted = usize::try_from(options.changes)?;
    while arrived(bench) < wanted {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    bench.until_at_rest().await?;
    let statements = bench.number(STATEMENTS)? as f64 / options.changes as f64;
    let calls = bench.crm.counters().values().sum::<u64>() as f64 / options.changes as f64;
    let rate = options.changes as f64 / seconds;
    let ideal =
        |milliseconds: f64| f64::from(options.concurrency) * 1000.0 / (calls * milliseconds);
    println!("| calls to the CRM for a change | {calls:.2} | 2 |");
    println!("| statements for a change | {statements:.1} | |");
    println!("| changes/s of {} at once | {rate:.1} | |", options.changes);
    let ratio = rate / ideal(options.latency as f64);
    println!(
        "| beside the ideal rate of {:.1}/s | {ratio:.3} | >= 0.9 |",
        ideal(options.latency as f64)
    );
    let took = call_takes(bench, options.concurrency).await?;
    println!("| milliseconds that a call takes, for clients that do nothing else | {took:.2} | |");
    println!(
        "| beside what these clients reach, {:.1}/s | {:.3} | |",
        ideal(took),
        rate / ideal(took)
    );
    Ok(())
}

/// How long a call takes, over the network and with the CRM's timer, when as many clients as the mirror has slots do nothing
/// but read one case after the other.
async fn call_takes(bench: &Bench, clients: u16) -> anyhow::Result<f64> {
    const CALLS: u32 = 200;
    let case =
        bench.rows("select remote_id as id, '' as name, '' as more from crm_mirrors limit 1")?;
    let (id, secret) = (bench.crm.client_id(), bench.crm.client_secret());
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let http = reqwest::Client::new();
    let token =
        http.post(format!("{}/Api/access_token", bench.crm.url())).form(&form).send().await?;
    let token: serde_json::Value = token.json().await?;
    let token = token["access_token"].as_str().unwrap_or_default();
    let read = || {
        http.get(format!("{}/Api/V8/module/Cases/{}", bench.crm.url(), case[0].id))
            .bearer_auth(token)
    };
    let client = || async {
        for _ in 0..CALLS {
            read().send().await?.error_for_status()?.bytes().await?;
        }
        anyhow::Ok(())
    };
    let began = Instant::now();
    futures_util::future::try_join_all((0..clients).map(|_| client())).await?;
    Ok(began.elapsed().as_secs_f64() * 1000.0 / f64::from(CALLS))
}

/// How many changes were written to the CRM.
fn arrived(bench: &Bench) -> usize {
    usize::try_from(bench.crm.count("PATCH", "Cases")).unwrap_or_default()
}
