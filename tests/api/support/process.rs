//! The program itself, as an operator starts it.
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{Client, Database, secret_key};

/// `casebridge` with a configuration of environment variables only.
pub fn casebridge(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casebridge"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    // An empty folder: no configuration file, nothing to find.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running `casebridge serve`; killed when it is dropped.
pub struct Process {
    pub url: String,
    environment: Vec<(String, String)>,
    child: Child,
    logs: Option<std::thread::JoinHandle<String>>,
}

impl Process {
    /// Starts it on this database and waits until it is ready.
    pub async fn serve(database: &Database, more: &[(&str, &str)]) -> Self {
        Self::serve_on(free_port(), database, more).await
    }

    /// The same on this port.
    pub async fn serve_on(port: u16, database: &Database, more: &[(&str, &str)]) -> Self {
        let url = format!("http://127.0.0.1:{port}");
        let listen = format!("127.0.0.1:{port}");
        let secret = secret_key();
        let mut environment = vec![
            ("DATABASE_URL", database.url.expose()),
            ("CASEBRIDGE_SECRET_KEY", secret.expose()),
            ("CASEBRIDGE_LISTEN", &listen),
            ("CASEBRIDGE_PUBLIC_URL", &url),
            ("CASEBRIDGE_DATABASE_POOL", "4"),
            ("CASEBRIDGE_HTTP_WORKERS", "1"),
            ("CASEBRIDGE_REQUESTS_PER_MINUTE", "0"),
        ];
        environment.extend(more);
        let mut child = casebridge(&["serve"], &environment).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let logs = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let environment = owned.collect();
        let mut process = Self { url, environment, child, logs: Some(logs) };
        process.wait_until_ready().await;
        process
    }

    async fn wait_until_ready(&mut self) {
        let ready = format!("{}/health/ready", self.url);
        for _ in 0..300 {
            if reqwest::get(&ready).await.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            if self.child.try_wait().unwrap().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let _ = self.child.kill();
        panic!("not ready: {}", self.logs.take().unwrap().join().unwrap());
    }

    /// A token that `casebridge token` printed.
    pub fn token(&self, role: &str) -> String {
        let output = casebridge(&["token", role], &self.environment()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The configuration that it runs with.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        self.environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }

    pub fn client(&self, role: &str) -> Client {
        Client::new(&self.url, Some(self.token(role)))
    }

    /// The most memory that it has had so far, in KiB.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends SIGTERM, as every supervisor does.
    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end; how it ended, and what it logged.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        for _ in 0..600 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.logs.take().unwrap().join().unwrap());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not end");
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
