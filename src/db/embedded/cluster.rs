//! One database cluster on disk, and the server that runs on it.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use super::account::Account;

/// The cluster's only role.
pub const SUPERUSER: &str = "casebridge";

/// Unicode rules for case and character classes, byte order for sorting. macOS has no `C.UTF-8`.
const LOCALE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

/// How long the server may take to start (crash recovery included) or to stop, in seconds.
const PATIENCE: &str = "60";

/// How many times, a second apart, to try to start after a crash.
const START_ATTEMPTS: u32 = 5;

/// Given on the command line, so that they hold whatever the cluster's own files say. Socket folder and values are
/// plain characters, for `pg_ctl` passes them through a shell.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "port=5432", // part of the socket's name only
    "unix_socket_permissions=0700",
    "max_connections=200",
    "shared_buffers=256MB",
    "max_wal_size=2GB",
    "random_page_cost=1.1", // the data is on a solid-state disk
    "log_checkpoints=off",
];
const NOT_DURABLE: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// What a committed transaction survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut.
    Full,
    /// The death of the server, but not of the machine.
    None,
}

pub struct Cluster {
    /// The folder of PostgreSQL's programs.
    pub bin: PathBuf,
    /// PostgreSQL's data directory.
    pub directory: PathBuf,
    pub socket_dir: PathBuf,
    pub account: Account,
}

impl Cluster {
    pub async fn initialize_if_missing(&self) -> anyhow::Result<()> {
        if self.directory.exists() {
            return Ok(());
        }
        // Renamed when complete, so that an interrupted start never leaves half a cluster.
        let partial = self.directory.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        let mut initdb = self.account.command(self.bin.join("initdb"));
        initdb.args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", LOCALE]);
        initdb.args(["--auth-local", "trust", "--auth-host", "reject", "--data-checksums"]);
        initdb.arg("--pgdata").arg(&partial);
        run(initdb).await.context("cannot create the cluster")?;
        fs::rename(&partial, &self.directory)?;
        Ok(())
    }

    /// Stops the server that a killed service has left behind, or removes its trace.
    pub async fn stop_left_over(&self) -> anyhow::Result<()> {
        let Some(pid) = self.recorded_pid() else { return Ok(()) };
        if self.is_our_postmaster(pid) {
            tracing::warn!(pid, "stopping the PostgreSQL that an earlier run left behind");
            return self.stop().await;
        }
        // PostgreSQL refuses to start while any process has this id, although ids are used again.
        tracing::warn!(pid, "PostgreSQL was not shut down; it will recover");
        fs::remove_file(self.pid_file()).context("cannot remove the stale postmaster.pid")
    }

    /// Starts the server, and returns its process id when it accepts connections.
    pub async fn start(&self, durability: Durability) -> anyhow::Result<u32> {
        let mut options = format!("-k {}", self.socket_dir.display());
        let unsafe_settings = match durability {
            Durability::Full => [].as_slice(),
            Durability::None => &NOT_DURABLE,
        };
        for setting in SETTINGS.iter().chain(unsafe_settings) {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        let log = self.directory.with_file_name("server.log");
        let mut attempt = 1;
        loop {
            let mut start = self.pg_ctl("start");
            start.arg("--log").arg(&log).args(["--options", &options]);
            let Err(error) = run(start).await else { break };
            // The children of a killed server may outlive it for a moment, and PostgreSQL does not wait for them.
            if attempt == START_ATTEMPTS {
                return Err(error.context(format!("PostgreSQL's log is {}", log.display())));
            }
            attempt += 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.recorded_pid().context("PostgreSQL started without a postmaster.pid")
    }

    /// Rolls back what is open, disconnects everybody and returns when the server is gone.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let Some(pid) = self.recorded_pid().filter(|pid| self.is_our_postmaster(*pid)) else {
            return Ok(());
        };
        let mut stop = self.pg_ctl("stop");
        stop.args(["--mode", "fast"]);
        run(stop).await.context("cannot stop PostgreSQL")?;
        // `pg_ctl` waits for the pid file to go, which the process outlives by a moment.
        while self.is_our_postmaster(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// `pg_ctl` starts the server in a session of its own, which a Ctrl-C in the terminal does not reach.
    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = self.account.command(self.bin.join("pg_ctl"));
        command.args([action, "--wait", "--timeout", PATIENCE, "--silent", "--pgdata"]);
        command.arg(&self.directory);
        command
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join("postmaster.pid")
    }

    /// The process id in `postmaster.pid`, which a killed server leaves behind.
    fn recorded_pid(&self) -> Option<u32> {
        fs::read_to_string(self.pid_file()).ok()?.lines().next()?.trim().parse().ok()
    }

    /// Whether the process is alive and serves this cluster: the server is started with the cluster's path.
    fn is_our_postmaster(&self, pid: u32) -> bool {
        let path = self.directory.as_os_str().as_encoded_bytes();
        command_line(pid).windows(path.len()).any(|part| part == path)
    }
}

/// The command line of a process; empty if there is none or it is a zombie.
fn command_line(pid: u32) -> Vec<u8> {
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    }
    let ps = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    ps.map(|output| output.stdout).unwrap_or_default()
}

/// Runs to the end. The error holds what the program printed.
async fn run(command: Command) -> anyhow::Result<()> {
    let program = PathBuf::from(command.get_program());
    let output = tokio::process::Command::from(command).output().await;
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{}: {}", program.display(), String::from_utf8_lossy(&said).trim());
    }
    Ok(())
}
