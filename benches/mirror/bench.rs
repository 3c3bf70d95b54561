//! The service as an operator runs it, its database, and a CRM that knows the same people.
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use casebridge::db::embedded::Embedded;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};
use fake_crm::{FakeCrm, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

const BINARY: &str = env!("CARGO_BIN_EXE_casebridge");
const DATABASE: &str = "mirror";

pub struct Bench {
    pub crm: FakeCrm,
    database: String,
    address: String,
    token: String,
    http: reqwest::Client,
    connection: Option<String>,
    concurrency: u16,
    service: Child,
    embedded: Embedded,
}

impl Bench {
    /// Starts everything on an empty database.
    pub async fn start(concurrency: u16) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mirror");
        let (embedded, database) = start_database(&folder).await?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let service = command("serve", &database, &folder, &address)
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("service.log"))?)
            .kill_on_drop(true)
            .spawn()?;
        let mut bench = Self {
            crm: start_crm().await?,
            database: database.clone(),
            address: address.clone(),
            token: String::new(),
            http: reqwest::Client::new(),
            connection: None,
            concurrency,
            service,
            embedded,
        };
        bench.until_ready().await?;
        let token = command("token", &database, &folder, &address).arg("admin").output().await?;
        String::from_utf8(token.stdout)?.trim().clone_into(&mut bench.token);
        Ok(bench)
    }

    async fn until_ready(&self) -> anyhow::Result<()> {
        let ready = format!("http://{}/health/ready", self.address);
        for _ in 0..400 {
            if self.http.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the service did not start")
    }

    /// Connects a CRM that is empty but for the desk's people and companies; ends the connection before.
    pub async fn connect(&mut self) -> anyhow::Result<()> {
        if let Some(before) = self.connection.take() {
            self.call(Method::DELETE, &format!("/v1/crm/connections/{before}"), None).await?;
            self.crm = start_crm().await?;
        }
        for agent in self.rows("select id::text, name, email as more from agents")? {
            let user =
                json!({"user_name": agent.more, "last_name": agent.name, "email1": agent.more});
            self.crm.create("Users", user).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        }
        for contact in self.rows("select id::text, name, email as more from contacts")? {
            let last_name = contact.name.rsplit(' ').next().unwrap_or(&contact.name);
            let first_name = contact.name.strip_suffix(last_name).unwrap_or_default().trim();
            let contact =
                json!({"first_name": first_name, "last_name": last_name, "email1": contact.more});
            self.crm.create("Contacts", contact).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        }
        for account in self.rows("select id::text, name, '' as more from accounts")? {
            let account = json!({"name": account.name});
            self.crm.create("Accounts", account).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        }
        let new = json!({
            "name": "Bench", "base_url": self.crm.url(), "client_id": self.crm.client_id(),
            "client_secret": self.crm.client_secret(),
            "settings": {"concurrency": self.concurrency, "poll_seconds": 3600},
        });
        let made = self.call(Method::POST, "/v1/crm/connections", Some(new)).await?;
        self.connection = made["id"].as_str().map(str::to_owned);
        Ok(())
    }

    /// Puts tickets into the database, as if they had been there for long.
    pub fn add_tickets(&self, count: i64) -> anyhow::Result<()> {
        self.sql(&format!(
            "set session_replication_role = replica;
             insert into tickets (id, workflow_id, status, category, subject, description, account_id, product_id, department_id, level,
                 assignee_id, source, opened_by, opened_by_role, submitted_at, created_at, updated_at)
               select gen_random_uuid(), d.workflow_id, '031', 'open', 'Ticket ' || n,
                      repeat('The export stops after some rows. ', 12), c.id, p.id, d.id, 'L1', a.id, 'api', a.id, 'agent', now(),
                      now(), now()
                 from generate_series(1, {count}) n,
                      (select id, workflow_id from departments where name = 'Support') d,
                      (select id from accounts order by id limit 1) c,
                      (select id from products order by id limit 1) p,
                      (select id from agents where role = 'agent' order by id limit 1) a;
             set session_replication_role = default;"
        ))?;
        self.sql("vacuum analyze")
    }

    /// Waits until nothing is to be done for the mirror.
    pub async fn until_at_rest(&self) -> anyhow::Result<()> {
        while self.backlog()? > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let failed =
            self.number("select count(*) as number from crm_mirrors where state <> 'linked'")?;
        anyhow::ensure!(failed == 0, "{failed} mirrors failed");
        Ok(())
    }

    /// Mirrors with something to be done, and tickets that a backfill has not come to.
    pub fn backlog(&self) -> anyhow::Result<i64> {
        self.number(
            "select (select count(*) from crm_mirrors where dirty_since is not null and state in ('pending', 'linked'))
              + (select coalesce(sum(greatest(1, (select count(*) from tickets) - done)), 0)::bigint from jobs
                  where kind = 'crm_backfill' and state in ('queued', 'running')) as number",
        )
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        let request = request.bearer_auth(&self.token).header("if-match", "*");
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    pub async fn health(&self) -> anyhow::Result<Value> {
        let id = self.connection.as_deref().context("there is no connection")?;
        self.call(Method::GET, &format!("/v1/crm/connections/{id}/health"), None).await
    }

    /// Resident memory of the service, in megabytes.
    pub fn memory(&self) -> anyhow::Result<f64> {
        let id = self.service.id().context("the service ended by itself")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        Ok(kilobytes.context("VmRSS")? / 1024.0)
    }

    pub fn sql(&self, sql: &str) -> anyhow::Result<()> {
        Ok(PgConnection::establish(&self.database)?.batch_execute(sql)?)
    }

    pub fn number(&self, sql: &str) -> anyhow::Result<i64> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let mut conn = PgConnection::establish(&self.database)?;
        Ok(diesel::sql_query(sql).get_result::<Row>(&mut conn)?.number)
    }

    pub fn rows(&self, sql: &str) -> anyhow::Result<Vec<Row>> {
        Ok(diesel::sql_query(sql).load(&mut PgConnection::establish(&self.database)?)?)
    }

    /// Asks the service to end, as a supervisor does, and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.service.id().context("the service ended by itself")?;
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        let status = self.service.wait().await?;
        anyhow::ensure!(status.success(), "the service ended with {status}");
        self.embedded.stop().await
    }
}

#[derive(QueryableByName)]
pub struct Row {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub more: String,
}

async fn start_crm() -> anyhow::Result<FakeCrm> {
    Ok(FakeCrm::start_with(Settings { patch_window: Duration::ZERO, ..Settings::default() })
        .await?)
}

/// A durable server with `pg_stat_statements`, and an empty database.
async fn start_database(folder: &Path) -> anyhow::Result<(Embedded, String)> {
    // The library is loaded when the server starts the next time.
    let embedded = Embedded::start(folder, "postgres").await?;
    let execute =
        |url: &str, sql: &str| anyhow::Ok(PgConnection::establish(url)?.batch_execute(sql)?);
    execute(embedded.url(), "alter system set shared_preload_libraries = 'pg_stat_statements'")?;
    embedded.stop().await?;
    let embedded = Embedded::start(folder, "postgres").await?;
    execute(embedded.url(), &format!("drop database if exists {DATABASE} with (force)"))?;
    execute(embedded.url(), &format!("create database {DATABASE}"))?;
    let url = embedded.url().replace("/postgres", &format!("/{DATABASE}"));
    execute(&url, "create extension pg_stat_statements")?;
    Ok((embedded, url))
}

fn command(name: &str, database: &str, folder: &Path, address: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.arg(name).env_clear().current_dir(folder).stdin(Stdio::null());
    command.env("CASEBRIDGE_REQUESTS_PER_MINUTE", "0");
    command.envs(std::env::vars().filter(|(name, _)| name.starts_with("CASEBRIDGE_")));
    command.env("DATABASE_URL", database);
    command.env("CASEBRIDGE_DATA_DIR", folder);
    command.env("CASEBRIDGE_LISTEN", address);
    command
}
