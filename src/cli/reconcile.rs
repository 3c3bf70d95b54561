//! `casebridge reconcile`: compares tickets and cases, shows how far it is, and prints what differs.
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use casebridge::app::Service;
use casebridge::crm::reconcile::{self, Options};
use casebridge::crm::service as crm;
use casebridge::crm::settings::ReconcileMode;
use casebridge::jobs::{self, Job, JobState};
use casebridge::kernel::{Actor, AppError, ConnectionId, JobId, PAGE_MAX, PageRequest};
use chrono::Utc;

/// Between two looks at the job.
const LOOK: Duration = Duration::from_millis(200);
/// Characters of a value that the table shows.
const SHOWN: usize = 40;

/// Compares everything; with `repair` has it put right and compares again. Fails when drift remains.
pub async fn run(service: &Service, name: &str, repair: bool) -> anyhow::Result<()> {
    let name = name.to_owned();
    let connection =
        service.db.read(move |conn| Ok(crm::connection_by_name(conn, &name)?.id)).await?;
    if repair {
        let job = attend(service, connection, ReconcileMode::Repair).await?;
        anyhow::ensure!(job.state == JobState::Succeeded, "the comparison has {}", job.state);
        carry_out(service, connection, job.id).await?;
    }
    let job = attend(service, connection, ReconcileMode::Report).await?;
    let drift = print(service, job.id).await?;
    println!("{} tickets compared with their cases: {drift} differences", job.done);
    if let Some(error) = &job.error {
        anyhow::bail!("the comparison has failed: {error}");
    }
    anyhow::ensure!(job.state == JobState::Succeeded, "the comparison has {}", job.state);
    anyhow::ensure!(drift == 0, "ticket and case differ");
    Ok(())
}

/// Starts a comparison, and does its steps unless a running service is quicker.
async fn attend(
    service: &Service,
    connection: ConnectionId,
    mode: ReconcileMode,
) -> anyhow::Result<Job> {
    let job = start(service, connection, mode).await?;
    let mut bar = Bar::new(mode);
    loop {
        let now = service.db.read(move |conn| jobs::get(conn, job)).await?;
        bar.show(&now);
        if !now.state.is_active() {
            bar.end();
            return Ok(now);
        }
        if !service.jobs.step_due(Utc::now()).await? {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn start(
    service: &Service,
    connection: ConnectionId,
    mode: ReconcileMode,
) -> anyhow::Result<JobId> {
    loop {
        let started = service.db.quiet_tx(move |conn| {
            let options = Options::new(connection, mode);
            match reconcile::start(conn, &Actor::system(), &options, Utc::now()) {
                Ok(job) => Ok(Some(job.id)),
                Err(AppError::Conflict { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        if let Some(job) = started.await? {
            return Ok(job);
        }
        // Another one may look at other tickets, or not repair: it has its turn first.
        if !service.jobs.step_due(Utc::now()).await? {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Mirrors until what the comparison marked has been worked on, or waits for somebody.
async fn carry_out(service: &Service, connection: ConnectionId, job: JobId) -> anyhow::Result<()> {
    loop {
        let left = service.db.read(move |conn| {
            Ok((reconcile::being_repaired(conn, job)?, crm::connection(conn, connection)?))
        });
        let (left, connection) = left.await?;
        if left == 0 {
            return Ok(());
        }
        let reason = connection.reason.unwrap_or_default();
        anyhow::ensure!(
            connection.state == crm::ConnectionState::Active,
            "the connection is paused: {reason}"
        );
        if !service.mirror.converge_due(Utc::now()).await? {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Prints a line for each difference; returns how many are drift.
async fn print(service: &Service, job: JobId) -> anyhow::Result<usize> {
    let mut cursor: Option<String> = None;
    let mut drift = 0;
    loop {
        let request = PageRequest::new(Some(PAGE_MAX), cursor.as_deref(), "differences")?;
        let page = service
            .db
            .read(move |conn| reconcile::differences(conn, job, &Default::default(), &request));
        let page = page.await?;
        if cursor.is_none() && !page.items.is_empty() {
            println!(
                "{:<36}  {:<20}  {:<11}  {:<9}  desk / CRM",
                "ticket", "kind", "field", "action"
            );
        }
        for row in &page.items {
            drift += usize::from(row.action.is_drift());
            let field = row.field.map_or("", |field| field.as_str());
            let (kind, action) = (row.kind.as_str(), row.action.as_str());
            let values = match (&row.desk, &row.crm, &row.detail) {
                (None, None, detail) => shorten(detail),
                (desk, crm, _) => format!("{} / {}", shorten(desk), shorten(crm)),
            };
            println!("{:<36}  {kind:<20}  {field:<11}  {action:<9}  {values}", row.ticket_id.0);
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(drift);
        }
    }
}

fn shorten(text: &Option<String>) -> String {
    let text = text.as_deref().unwrap_or("-").replace(['\n', '\r'], " ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Progress on standard error: a bar on a terminal, a line for each tenth elsewhere.
struct Bar {
    mode: ReconcileMode,
    terminal: bool,
    shown: Option<i64>,
}

impl Bar {
    fn new(mode: ReconcileMode) -> Self {
        Self { mode, terminal: std::io::stderr().is_terminal(), shown: None }
    }

    fn show(&mut self, job: &Job) {
        let Some(total) = job.total else { return };
        let tenths = if total == 0 { 10 } else { job.done * 10 / total };
        let waits = job.waits_for.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        let state = format!("{}/{total}, {} differences{waits}", job.done, job.found);
        if self.terminal {
            let filled = usize::try_from(tenths).unwrap_or_default() * 3;
            let bar = format!("{:<30}", "#".repeat(filled));
            eprint!("\r\x1b[2K{} [{bar}] {state}", self.mode);
            let _ = std::io::stderr().flush();
        } else if self.shown != Some(tenths) {
            eprintln!("{} {state}", self.mode);
        }
        self.shown = Some(tenths);
    }

    fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}
