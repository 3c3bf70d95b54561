//! The service as an operator runs it, on an embedded PostgreSQL of its own.
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use casebridge::db::embedded::Embedded;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use tokio::process::{Child, Command};

const BINARY: &str = env!("CARGO_BIN_EXE_casebridge");
const NAME: &str = "mail";

pub struct Service {
    address: String,
    token: String,
    database: String,
    http: reqwest::Client,
    child: Child,
    embedded: Embedded,
}

impl Service {
    /// Starts it on an empty database, with this mail server.
    pub async fn start(smtp: &str, connections: usize) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail");
        let embedded = Embedded::start(&folder, "postgres").await?;
        let mut admin = PgConnection::establish(embedded.url())?;
        admin.batch_execute(&format!("drop database if exists {NAME} with (force)"))?;
        admin.batch_execute(&format!("create database {NAME}"))?;
        let database = embedded.url().replace("/postgres", &format!("/{NAME}"));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let command = |name: &str| {
            let mut command = Command::new(BINARY);
            command.arg(name).env_clear().current_dir(&folder).stdin(Stdio::null());
            command.env("DATABASE_URL", &database).env("CASEBRIDGE_DATA_DIR", &folder);
            command.env("CASEBRIDGE_LISTEN", &address).env("CASEBRIDGE_SMTP_URL", smtp);
            command.env("CASEBRIDGE_REQUESTS_PER_MINUTE", "0");
            command.env("CASEBRIDGE_MAIL_FROM", "support@desk.example");
            command.env("CASEBRIDGE_SMTP_CONNECTIONS", connections.to_string());
            command
        };
        let child = command("serve")
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("service.log"))?)
            .kill_on_drop(true)
            .spawn()?;
        let http = reqwest::Client::new();
        let ready = format!("http://{address}/health/ready");
        for _ in 0..400 {
            if http.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let token = command("token").arg("agent").output().await?;
        let token = String::from_utf8(token.stdout)?.trim().to_owned();
        Ok(Self { address, token, database, http, child, embedded })
    }

    /// Queues mails to as many addresses, as if they all had become due at once.
    pub fn queue(&self, mails: usize) -> anyhow::Result<()> {
        let mut conn = PgConnection::establish(&self.database)?;
        conn.batch_execute(&format!(
            "insert into outgoing_mails (id, conversation, conversation_id, to_email, subject, text_body, html_body, automatic, due_at, created_at)
             select gen_random_uuid(), 'ticket', gen_random_uuid(), 'c' || n || '@customer.example', 'Re: Printer ' || n,
                    repeat('Please switch it off and on again.' || chr(10), 15),
                    '<body>' || repeat('<p>Please switch it off and on again.</p>', 15) || '</body>', true, now(), now()
               from generate_series(1, {mails}) n;
             analyze outgoing_mails"
        ))?;
        Ok(())
    }

    pub async fn read(&self, path: &str) -> anyhow::Result<()> {
        let request = self.http.get(format!("http://{}{path}", self.address));
        request.bearer_auth(&self.token).send().await?.error_for_status()?.bytes().await?;
        Ok(())
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        self.embedded.stop().await
    }
}
