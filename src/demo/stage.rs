//! The processes of the demo: PostgreSQL, the CRM, the service.
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use casebridge::db::embedded::Embedded;
use casebridge::kernel::{Secret, SecretKey};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long a process may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Stage {
    pub url: String,
    pub crm_url: String,
    service: Option<Child>,
    /// Ends when it is dropped.
    _crm: Child,
    postgres: Embedded,
    secret_key: Secret,
    folder: PathBuf,
}

impl Stage {
    /// Starts everything anew, in a folder of its own under the system's temporary one.
    pub async fn set() -> anyhow::Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("casebridge-demo-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder)?;
        let postgres = Embedded::start(&folder, "demo").await?;
        let (crm, crm_url) = start_crm().await?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut stage = Self {
            url: format!("http://127.0.0.1:{port}"),
            crm_url,
            service: None,
            _crm: crm,
            postgres,
            secret_key: SecretKey::generate()?,
            folder,
        };
        stage.start_service().await?;
        Ok(stage)
    }

    /// Starts the service and waits until it is ready.
    pub async fn start_service(&mut self) -> anyhow::Result<()> {
        let log = self.folder.join("service.log");
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let child = self
            .command()?
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        self.service = Some(child);
        let ready = format!("{}/health/ready", self.url);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
            anyhow::ensure!(
                tokio::time::Instant::now() < deadline,
                "the service did not become ready; see {}/service.log",
                self.folder.display()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// SIGKILL: the service gets no chance to finish anything.
    pub async fn kill_service(&mut self) -> anyhow::Result<()> {
        let mut child = self.service.take().context("the service does not run")?;
        Ok(child.kill().await?)
    }

    /// A token for the first person of this role.
    pub async fn token(&self, role: &str) -> anyhow::Result<String> {
        let output = self.command()?.args(["token", role]).output().await?;
        anyhow::ensure!(
            output.status.success(),
            "no token: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Stops everything and removes the folder.
    pub async fn strike(mut self) -> anyhow::Result<()> {
        if self.service.is_some() {
            self.kill_service().await?;
        }
        self.postgres.stop().await?;
        Ok(std::fs::remove_dir_all(&self.folder)?)
    }

    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        let listen = self.url.trim_start_matches("http://");
        command
            .env("DATABASE_URL", self.postgres.url())
            .env("CASEBRIDGE_LISTEN", listen)
            .env("CASEBRIDGE_PUBLIC_URL", &self.url)
            .env("CASEBRIDGE_SECRET_KEY", self.secret_key.expose())
            .env("CASEBRIDGE_DATA_DIR", &self.folder)
            .env("CASEBRIDGE_LOG", "info");
        Ok(command)
    }
}

/// The CRM is built beside this program: a SuiteCRM that lives in memory.
async fn start_crm() -> anyhow::Result<(Child, String)> {
    let program = std::env::current_exe()?.with_file_name("fake-suitecrm");
    anyhow::ensure!(exists(&program), "{} is missing; `make demo` builds it", program.display());
    let mut child = Command::new(program).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let output = child.stdout.take().context("the CRM has no output")?;
    let mut lines = BufReader::new(output).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??;
    let url = line.as_deref().and_then(|line| line.strip_prefix("listening on "));
    Ok((child, url.context("the CRM did not say where it listens")?.to_owned()))
}

fn exists(path: &Path) -> bool {
    path.try_exists().unwrap_or(false)
}
