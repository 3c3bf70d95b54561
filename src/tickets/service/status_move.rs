//! Move all tickets of a status into another, so that the workflow can do without it.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::store;
use super::transition::{follow_status, move_to};
use super::{Told, held};
use crate::db::Db;
use crate::events::EventType;
use crate::jobs::{self, Job, NewJob, Progress, Step};
use crate::kernel::{Actor, AppError, TicketId, WorkflowId};
use crate::workflow::{self, Category, Workflow};

/// The kind of these jobs.
pub const MOVE_STATUS: &str = "ticket_status_move";

/// Tickets of a step; each has a transaction of its own, because it may lock agents.
const CHUNK: i64 = 50;

/// From which status to which, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusMove {
    pub workflow_id: WorkflowId,
    pub from: String,
    pub to: String,
    pub reason: String,
}

/// Starts moving. What the workflow's transitions allow or require does not count, nor do open steps of a process: an
/// administrator decides, with a reason.
pub fn start_move(
    conn: &mut PgConnection,
    actor: &Actor,
    wanted: &StatusMove,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    check(&workflow::service::get(conn, wanted.workflow_id)?, wanted)?;
    let subject = format!("workflow/{}/{}", wanted.workflow_id, wanted.from);
    let options = serde_json::to_value(wanted).map_err(AppError::internal)?;
    jobs::start(conn, actor, NewJob { kind: MOVE_STATUS, subject, options }, now)
}

fn check(workflow: &Workflow, wanted: &StatusMove) -> Result<(), AppError> {
    let unknown = |pointer| move || AppError::field(pointer, "the workflow has no such status");
    let from = workflow.status(&wanted.from).ok_or_else(unknown("/from"))?;
    let to = workflow.status(&wanted.to).ok_or_else(unknown("/to"))?;
    if from.code == to.code {
        return Err(AppError::field("/to", "the tickets are there already"));
    }
    if (from.category == Category::Draft) != (to.category == Category::Draft) {
        return Err(AppError::field("/to", "drafts stay drafts, and submitted tickets submitted"));
    }
    Ok(())
}

/// One step: the next tickets that have the status, one by one.
pub async fn move_some(db: Db, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
    let wanted: StatusMove =
        serde_json::from_value(job.options.clone()).map_err(AppError::internal)?;
    let (workflow, from) = (wanted.workflow_id, wanted.from.clone());
    let find = move |conn: &mut _| Ok(store::in_status(conn, workflow, &from, CHUNK)?);
    let ids = db.read(find).await?;
    let mut done = job.done;
    for id in &ids {
        let (id, job, wanted) = (*id, job.clone(), wanted.clone());
        done = db.tx(move |conn| move_one(conn, &job, id, &wanted, done, now)).await?;
    }
    let last = i64::try_from(ids.len()).is_ok_and(|found| found < CHUNK);
    Ok(if last { Step::Done } else { Step::Next(now) })
}

/// Moves a ticket unless it has left the status meanwhile, and saves how far the job is with it.
fn move_one(
    conn: &mut PgConnection,
    job: &Job,
    id: TicketId,
    wanted: &StatusMove,
    done: i64,
    now: DateTime<Utc>,
) -> Result<i64, AppError> {
    let found = store::lock_in_status(conn, id, wanted.workflow_id, &wanted.from)?;
    let Some(located) = found else { return Ok(done) };
    let mut held = held(conn, located)?;
    held.override_reason = Some(wanted.reason.clone());
    let actor = Actor { id: job.started_by, name: job.started_by_name.clone(), ..Actor::system() };
    // The workflow may have changed since the job was started.
    check(&held.workflow, wanted)?;
    let was_closed = held.ticket.category == Category::Closed;
    move_to(&mut held, &wanted.to, now)?;
    if held.ticket.category == Category::Closed && held.ticket.resolution.is_none() {
        held.ticket.resolution = Some(wanted.reason.clone());
    }
    if held.ticket.deleted_at.is_none() {
        follow_status(conn, &actor, &mut held, was_closed, now)?;
    }
    let public = held.ticket.category != Category::Draft;
    let data = json!({ "reason": wanted.reason });
    held.save(conn, &actor, Told { kind: EventType::TicketStatusChanged, public, data }, now)?;
    let done = done + 1;
    let progress = Progress { cursor: json!(id), done, total: None, found: 0 };
    jobs::save(conn, job, &progress)?;
    Ok(done)
}
