//! The other side: pgbench, which executes the statements of a request and does nothing else.
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::database::Database;
use super::scenarios::Scenario;

/// Transactions per second of the scenario's script.
pub async fn run(
    database: &Database,
    scenario: &Scenario,
    connections: usize,
    time: Duration,
    round: usize,
) -> anyhow::Result<f64> {
    let installed = database.programs()?.join("pgbench");
    // A downloaded server may have been moved since it was built: then the PATH has to tell.
    let program = if installed.exists() { &installed } else { Path::new("pgbench") };
    let threads = std::thread::available_parallelism()?.get().min(connections);
    let mut command = Command::new(program);
    command.args(["--no-vacuum", "--protocol", "prepared"]);
    command.args(["--client", &connections.to_string(), "--jobs", &threads.to_string()]);
    command.args(["--time", &time.as_secs().to_string(), "--file"]).arg(scenario.script_path());
    // Ids of new rows are numbers too; each round begins where no other has been.
    let base = (round as u64 + 1) * 1_000_000_000_000;
    command.args(["--define", &format!("base={base}"), "--define", "count=0"]);
    for (name, value) in &scenario.variables {
        command.args(["--define", &format!("{name}={value}")]);
    }
    let output = command.arg(&database.url).output().await.context("cannot run pgbench")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = said.lines().find(|line| line.starts_with("number of failed transactions"));
    anyhow::ensure!(
        output.status.success() && failed.is_none_or(|line| line.contains(": 0 ")),
        "pgbench: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rest| rest.split(' ').next()).context("pgbench tells no rate")?;
    Ok(rate.parse()?)
}
