//! Many events are sent once more: a job.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::deliveries::require_active;
use super::feeding::{deliveries, filter, reader};
use super::{find, require};
use crate::db::Db;
use crate::events::{self, EventType};
use crate::jobs::{self, Job, NewJob, Progress, Step};
use crate::kernel::{Actor, AppError, Permission, TicketId, WebhookId};
use crate::webhooks::rules;
use crate::webhooks::store;

/// The kind of these jobs.
pub const REPLAY: &str = "webhook_replay";

/// Events of a step.
const BATCH: i64 = 500;

/// What is to be sent once more, of what the webhook asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replay {
    pub since: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub types: Vec<String>,
    pub ticket_id: Option<TicketId>,
}

/// What the steps need to know.
#[derive(Serialize, Deserialize)]
struct Options {
    webhook_id: WebhookId,
    #[serde(flatten)]
    replay: Replay,
    /// The part of the feed.
    after: i64,
    up_to: i64,
}

/// Starts a job that queues the events of a time anew. Fails with `webhook_inactive` and `job_active`.
pub fn replay_since(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WebhookId,
    replay: Replay,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    require(actor, &[Permission::WebhooksWrite, Permission::EventsRead])?;
    let webhook = find(conn, id)?;
    require_active(&webhook)?;
    rules::types(&replay.types)
        .map_err(|word| AppError::field("/types", format!("there is no event type {word}")))?;
    let after = events::position_before(conn, replay.since)?;
    // What is behind its position is still to be queued for the first time.
    let up_to = match replay.until {
        Some(until) => events::position_before(conn, until)?.min(webhook.position),
        None => webhook.position,
    };
    let options = Options { webhook_id: id, replay, after, up_to };
    let options = serde_json::to_value(options).map_err(AppError::internal)?;
    let new = NewJob { kind: REPLAY, subject: format!("webhook/{id}"), options };
    jobs::start(conn, actor, new, now)
}

/// One step of such a job.
pub async fn replay_step(db: Db, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
    db.quiet_tx(move |conn| step(conn, &job, now)).await
}

fn step(conn: &mut PgConnection, job: &Job, now: DateTime<Utc>) -> Result<Step, AppError> {
    let options: Options =
        serde_json::from_value(job.options.clone()).map_err(AppError::internal)?;
    let after = job.cursor.as_ref().and_then(serde_json::Value::as_i64).unwrap_or(options.after);
    let Some(webhook) = store::find(conn, options.webhook_id)? else {
        return Ok(Step::Failed("the webhook was deleted".into()));
    };
    if after >= options.up_to {
        return Ok(Step::Done);
    }
    let mut filter = filter(&webhook);
    (filter.after, filter.until, filter.limit) = (after, Some(options.up_to), BATCH);
    filter.ticket = options.replay.ticket_id;
    let Some(types) = both(filter.types, &options.replay.types) else { return Ok(Step::Done) };
    filter.types = types;
    let (found, reached) = events::feed(conn, &filter, &reader(&webhook))?;
    let queued = store::queue_again(conn, &deliveries(&webhook, found, now))?;
    let done = job.done + i64::try_from(queued).map_err(AppError::internal)?;
    let progress = Progress { cursor: reached.into(), done, total: None, found: 0 };
    jobs::save(conn, job, &progress)?;
    Ok(if reached < options.up_to { Step::Next(now) } else { Step::Done })
}

/// The types that the webhook asks for, as far as they are asked for once more; `None` when there are none.
fn both(own: Vec<EventType>, asked: &[String]) -> Option<Vec<EventType>> {
    let asked = rules::types(asked).unwrap_or_default();
    if own.is_empty() || asked.is_empty() {
        return Some(if own.is_empty() { asked } else { own });
    }
    let both: Vec<_> = own.into_iter().filter(|kind| asked.contains(kind)).collect();
    (!both.is_empty()).then_some(both)
}
