//! The service as an operator runs it: the release binary, its log in a file.
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;

use tokio::process::{Child, Command};

use super::load::Connection;

const BINARY: &str = env!("CARGO_BIN_EXE_casebridge");

pub struct Service {
    pub address: String,
    /// A bearer token of the desk's first agent.
    pub token: String,
    child: Child,
}

impl Service {
    /// Starts it on this database and waits until it is ready.
    pub async fn start(database: &str, folder: &Path, workers: bool) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut child = command("serve", database, folder, &address)
            .env("CASEBRIDGE_WORKERS", workers.to_string())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("service.log"))?)
            .kill_on_drop(true)
            .spawn()?;
        wait_until_ready(&address, &mut child, folder).await?;
        let token = command("token", database, folder, &address).arg("agent").output().await?;
        let token = String::from_utf8(token.stdout)?.trim().to_owned();
        Ok(Self { address, token, child })
    }

    /// A request of the agent, as it goes over the wire.
    pub fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        request(method, path, &self.token, body)
    }

    /// Asks it to end, as a supervisor does, and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the service ended by itself")?;
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        let status = self.child.wait().await?;
        anyhow::ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}

/// A request as it goes over the wire; If-Match goes unread where there is no use for it.
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\nif-match: *\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    (head + body).into_bytes()
}

/// The program with the settings of the service.
pub fn command(name: &str, database: &str, folder: &Path, address: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.arg(name).env_clear().current_dir(folder).stdin(Stdio::null());
    command.env("CASEBRIDGE_REQUESTS_PER_MINUTE", "0");
    // Settings can be tried out: CASEBRIDGE_DATABASE_POOL=8 cargo bench
    command.envs(std::env::vars().filter(|(name, _)| name.starts_with("CASEBRIDGE_")));
    command.env("DATABASE_URL", database);
    command.env("CASEBRIDGE_DATA_DIR", folder);
    command.env("CASEBRIDGE_LISTEN", address);
    command
}

async fn wait_until_ready(address: &str, child: &mut Child, folder: &Path) -> anyhow::Result<()> {
    for _ in 0..300 {
        if let Ok(mut connection) = Connection::open(address).await {
            let answer = connection.send(&request("GET", "/health/ready", "", "")).await?;
            if answer.0 == 200 {
                return Ok(());
            }
        }
        if child.try_wait()?.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the service did not start; see {}", folder.join("service.log").display())
}
