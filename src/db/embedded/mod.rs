//! The local PostgreSQL that starts when no `DATABASE_URL` is given: a real cluster, kept in the data folder.
//!
//! Installed server binaries are used where there are any; otherwise they are downloaded once. PostgreSQL refuses to
//! run as root, so under root it runs as an unprivileged account.
//!
//! The server listens on a UNIX socket alone, in a folder that only its own account (and root) may enter. That folder
//! is the authentication, so clients need no password.
mod account;
mod binaries;
mod cluster;
mod guardian;
#[cfg(test)]
mod tests;

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use account::Account;
use cluster::{Cluster, Durability, SUPERUSER};
use guardian::Guardian;

/// Where root keeps a cluster whose account cannot reach the data folder.
const FALLBACK: &str = "/var/lib/casebridge";

/// How long the lock of a data folder is waited for, and how often it is tried.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(100);
/// In the data folder: how to reach the server while it runs. It holds no password.
const URL_FILE: &str = "postgres.url";

/// A running local PostgreSQL. It is stopped by [`Embedded::stop`], and also when the value is dropped or the process
/// dies, however it dies; no process outlives the service.
pub struct Embedded {
    url: String,
    cluster: Cluster,
    guardian: Guardian,
    /// Held while the server is ours, so that two services never share one cluster.
    _lock: File,
}

impl Embedded {
    /// Starts the cluster in `data_dir`, made on first use, and creates `database` in it if it is missing.
    /// A server that a killed service left behind is stopped first; its data stays.
    ///
    /// # Errors
    /// When another process uses `data_dir`, when no server binaries can be found or downloaded, or when PostgreSQL
    /// does not start.
    pub async fn start(data_dir: &Path, database: &str) -> anyhow::Result<Self> {
        Self::launch(data_dir, database, Durability::Full).await
    }

    /// Like [`Embedded::start`], without waiting for the disk: a power cut may corrupt the cluster.
    ///
    /// # Errors
    /// As [`Embedded::start`].
    pub async fn start_for_tests(data_dir: &Path, database: &str) -> anyhow::Result<Self> {
        Self::launch(data_dir, database, Durability::None).await
    }

    /// The URL of the server that another process runs in `data_dir`, when one does and it answers: commands work
    /// beside a running service.
    pub fn running(data_dir: &Path) -> Option<String> {
        let url = fs::read_to_string(data_dir.join(URL_FILE)).ok()?;
        PgConnection::establish(&url).ok().map(|_| url)
    }

    /// The database as a libpq connection URL that names the socket's folder; its path is the database's name.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends every connection and stops the server; returns when it is gone.
    ///
    /// # Errors
    /// When the server does not stop within a minute.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.cluster.stop().await?;
        self.guardian.dismiss()
    }

    async fn launch(
        data_dir: &Path,
        database: &str,
        durability: Durability,
    ) -> anyhow::Result<Self> {
        let data_dir = fs::create_dir_all(data_dir)
            .and_then(|()| data_dir.canonicalize())
            .with_context(|| format!("cannot create the data folder {}", data_dir.display()))?;
        let lock = lock(&data_dir).await?;

        let (home, account) = home(&data_dir)?;
        if !home.exists() {
            create_parent(&home)?;
            account.create_private_dir(&home)?;
        }
        fs::set_permissions(&home, Permissions::from_mode(0o700))
            .with_context(|| format!("{} belongs to another account", home.display()))?;

        let directory = home.join("cluster");
        let downloads = home.with_file_name("postgresql");
        let bin = binaries::find_or_download(&account, &directory, &downloads).await?;
        let cluster = Cluster { bin, directory, socket_dir: socket_dir(&home, &account)?, account };

        cluster.initialize_if_missing().await?;
        cluster.stop_left_over().await?;
        let postmaster = cluster.start(durability).await?;
        let guardian = Guardian::watch(&cluster.account, postmaster)?;
        let maintenance = url(&cluster.socket_dir, "postgres");
        create_database_if_missing(maintenance, database.to_owned()).await?;
        let url = url(&cluster.socket_dir, database);
        fs::write(data_dir.join(URL_FILE), &url)?;
        tracing::info!(cluster = %cluster.directory.display(), "local PostgreSQL started");
        Ok(Self { url, cluster, guardian, _lock: lock })
    }
}

/// Fails soon instead of waiting: the other process may run for months. The lock of a process that has just ended can
/// outlive it by a moment, in a child that it was starting.
async fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join("postgres.lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    let mut patience = LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if !patience.is_zero() => {
                tokio::time::sleep(LOCK_RETRY).await;
                patience = patience.saturating_sub(LOCK_RETRY);
            }
            Err(TryLockError::WouldBlock) => bail!(
                "another process runs the local PostgreSQL of {}: stop it, or use another data folder or DATABASE_URL",
                data_dir.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// The cluster's private folder, and the account that owns it. A cluster that exists is never left for an empty one:
/// it keeps its place and its owner, whoever starts the service.
fn home(data_dir: &Path) -> anyhow::Result<(PathBuf, Account)> {
    let home = data_dir.join("postgres");
    if !account::is_root()? {
        return Ok((home.clone(), Account::current()?));
    }
    let fallback = Path::new(FALLBACK).join(path_id(&home));
    for existing in [&home, &fallback] {
        if let Ok(metadata) = fs::metadata(existing) {
            let owner = Account::unprivileged(metadata.uid(), metadata.gid());
            if !owner.can_enter(existing)? {
                bail!("{} holds a cluster that its owner cannot reach", existing.display());
            }
            return Ok((existing.clone(), owner));
        }
    }
    let account = Account::find_unprivileged()?;
    if account.can_enter(data_dir)? {
        return Ok((home, account));
    }
    tracing::warn!(
        data_dir = %data_dir.display(), used = %fallback.display(),
        "PostgreSQL's account cannot reach the data folder; the cluster is kept elsewhere"
    );
    Ok((fallback, account))
}

/// Only the fallback's parent may be missing. PostgreSQL's account must be able to pass it, whatever root's umask is.
fn create_parent(home: &Path) -> io::Result<()> {
    match home.parent() {
        Some(parent) if !parent.exists() => {
            fs::create_dir_all(parent)?;
            fs::set_permissions(parent, Permissions::from_mode(0o755))
        }
        _ => Ok(()),
    }
}

/// Stands for a path where the path itself would be too long; the same on every run and every machine.
fn path_id(path: &Path) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, path.as_os_str().as_encoded_bytes()).simple().to_string()
}

/// `home`, if a socket's path fits there: `sun_path` has 104 bytes on macOS and 108 on Linux, and the path is also part
/// of a command line and of a URL. Otherwise a private folder in `/tmp`.
fn socket_dir(home: &Path, account: &Account) -> anyhow::Result<PathBuf> {
    let path = home.as_os_str().as_encoded_bytes();
    if path.len() < 85 && path.iter().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(b)) {
        return Ok(home.to_owned());
    }
    let dir = Path::new("/tmp").join(format!("casebridge-{}", path_id(home)));
    if fs::symlink_metadata(&dir).is_err() {
        account.create_private_dir(&dir)?;
    }
    // Anyone may create a folder in /tmp: trust no other than our own.
    let found = fs::symlink_metadata(&dir)?;
    if !found.is_dir() || found.uid() != account.uid || found.mode() & 0o077 != 0 {
        bail!("{} is not a private folder of PostgreSQL's account: remove it", dir.display());
    }
    Ok(dir)
}

/// libpq takes a percent-encoded folder in the place of the host.
fn url(socket_dir: &Path, database: &str) -> String {
    let host = percent_encode(socket_dir.as_os_str().as_encoded_bytes());
    format!("postgresql://{SUPERUSER}@{host}/{}", percent_encode(database.as_bytes()))
}

/// RFC 3986: all but the unreserved characters.
fn percent_encode(bytes: &[u8]) -> String {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    bytes
        .iter()
        .map(|&b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::Bool)]
    found: bool,
}

async fn create_database_if_missing(maintenance: String, name: String) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || {
        let mut conn = PgConnection::establish(&maintenance)?;
        let exists = "select exists (select from pg_database where datname = $1) as found";
        let row: Found =
            diesel::sql_query(exists).bind::<sql_types::Text, _>(&name).get_result(&mut conn)?;
        if !row.found {
            let quoted = name.replace('"', "\"\"");
            diesel::sql_query(format!("create database \"{quoted}\"")).execute(&mut conn)?;
        }
        Ok(())
    })
    .await?
}
