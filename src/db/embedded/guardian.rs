//! Stops the server when the service dies without having done so.
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use anyhow::Context;

use super::account::Account;

/// Waits for the end of its standard input, which comes when the service closes it or dies, SIGKILL included. SIGINT is
/// PostgreSQL's fast shutdown. Signals meant for the service's whole group must not end the watch.
const SCRIPT: &str = "trap '' HUP INT TERM; read -r _; kill -INT \"$1\" 2>/dev/null";

/// A shell that outlives the service by a moment.
pub struct Guardian(Child);

impl Guardian {
    /// Starts to watch over the server with the process id `postmaster`, which belongs to `account`.
    pub fn watch(account: &Account, postmaster: u32) -> anyhow::Result<Self> {
        let mut shell = account.command("/bin/sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(postmaster.to_string());
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Its own group, so that a Ctrl-C in the terminal reaches the service alone.
        let child = shell.process_group(0).spawn();
        child.map(Self).context("cannot start the shell that watches over PostgreSQL")
    }

    #[cfg(test)]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends the watch without a signal to the server.
    pub fn dismiss(mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}
