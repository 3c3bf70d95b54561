//! The operating system's account that runs PostgreSQL.
use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// What PostgreSQL's own packages create first, and then what every system has.
const UNPRIVILEGED: [&str; 4] = ["postgres", "_postgres", "nobody", "daemon"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    gid: u32,
    /// Whether this process is root and becomes the account for what it starts.
    drops_privileges: bool,
}

impl Account {
    /// The account of this process.
    pub fn current() -> anyhow::Result<Self> {
        Ok(Self { uid: id(["-u"])?, gid: id(["-g"])?, drops_privileges: false })
    }

    /// An account for root to become.
    pub fn unprivileged(uid: u32, gid: u32) -> Self {
        Self { uid, gid, drops_privileges: true }
    }

    /// The best existing account for root to become.
    pub fn find_unprivileged() -> anyhow::Result<Self> {
        for name in UNPRIVILEGED {
            if let (Ok(uid), Ok(gid)) = (id(["-u", name]), id(["-g", name])) {
                return Ok(Self::unprivileged(uid, gid));
            }
        }
        bail!("PostgreSQL refuses to run as root, and none of {UNPRIVILEGED:?} exists")
    }

    /// `program`, to be run as this account, in `/` because the account may not be allowed where the service runs.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        // The service's environment holds its secrets, which are no business of another account.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
        if self.drops_privileges {
            // As root, this also leaves root's supplementary groups.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Asks the kernel, which knows of access lists and mounts too.
    pub fn can_enter(&self, dir: &Path) -> anyhow::Result<bool> {
        let mut cd = self.command("/bin/sh");
        let status = cd.args(["-c", "cd \"$1\"", "sh"]).arg(dir).stderr(Stdio::null()).status()?;
        Ok(status.success())
    }

    /// Creates `dir`, which must not exist, for this account alone.
    pub fn create_private_dir(&self, dir: &Path) -> anyhow::Result<()> {
        let shown = dir.display();
        DirBuilder::new()
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("cannot create {shown}"))?;
        if self.drops_privileges {
            chown(dir, Some(self.uid), Some(self.gid))
                .with_context(|| format!("cannot give {shown} to PostgreSQL's account"))?;
        }
        Ok(())
    }
}

pub fn is_root() -> anyhow::Result<bool> {
    Ok(id(["-u"])? == 0)
}

/// `id` (POSIX) knows every account that the system knows, not only those in `/etc/passwd`.
fn id<const N: usize>(args: [&str; N]) -> anyhow::Result<u32> {
    let output = Command::new("id").args(args).output().context("cannot run `id`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("`id {}` printed {text:?}", args.join(" ")))
}
