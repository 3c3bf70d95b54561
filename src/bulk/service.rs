//! Start a bulk job, do a step of it, read its outcomes.
use std::collections::HashSet;
use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use super::store::{self, Item, Order};
use crate::auth;
use crate::db::{Db, later};
use crate::http::{self, IfMatch};
use crate::jobs::{self, Job, NewJob, Progress, Step};
use crate::kernel::{
    Actor, AppError, Erasure, JobId, Page, PageRequest, Permission, TicketId, text_enum,
};
use crate::macros::{self, MacroOrder};
use crate::tickets::service::{self as tickets, Operation};
use crate::tickets::{OperationKind, operation};

/// The kind of these jobs.
pub const BULK: &str = "ticket_bulk";

/// Tickets of a job at the most.
pub const MOST: usize = 10_000;
/// Tickets of a step; each is a transaction of its own.
const CHUNK: i64 = 25;

/// Which tickets.
#[derive(Debug, Clone)]
pub enum Chosen {
    These(Vec<TicketId>),
    /// Those that the caller finds with it now.
    Found(Box<tickets::Filter>),
}

text_enum! {
    /// What is done with each ticket, and so what `body` is: as for the operation of that name.
    BulkOperation {
        /// `PATCH /v1/tickets/{id}`
        Patch = "patch",
        /// `POST /v1/tickets/{id}/transitions`
        Transition = "transition",
        /// `POST /v1/tickets/{id}/assignment`
        Assign = "assign",
        /// `POST /v1/tickets/{id}/transfer`
        Transfer = "transfer",
        /// `POST /v1/tickets/{id}/notes`
        Note = "note",
        /// `{"add": [...], "remove": [...]}`
        Tags = "tags",
        /// `POST /v1/tickets/{id}/macros/{macro_id}/apply`, with `macro_id` beside `values`.
        Macro = "macro",
        /// No body.
        Delete = "delete",
        /// No body.
        Restore = "restore",
    }
}

/// What is to be done with each.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub kind: BulkOperation,
    pub body: Value,
}

/// What was asked for, read.
enum Asked {
    Operation(Box<Operation>),
    Macro(MacroOrder),
}

fn read_body(kind: BulkOperation, body: &Value, actor: &Actor) -> Result<Asked, AppError> {
    match OperationKind::parse(kind.as_str()) {
        Some(kind) => operation(kind, body, actor).map(|read| Asked::Operation(Box::new(read))),
        None => http::read(body).map(Asked::Macro),
    }
}

/// Refuses what no ticket could take.
pub fn check(kind: BulkOperation, body: &Value, actor: &Actor) -> Result<(), AppError> {
    read_body(kind, body, actor).map(drop)
}

/// Starts the job. Fails with `job_active` while another of this caller is at work.
pub fn start(
    conn: &mut PgConnection,
    actor: &Actor,
    wanted: Wanted,
    chosen: Chosen,
    now: DateTime<Utc>,
) -> Result<Job, AppError> {
    actor.require(Permission::TicketsWork)?;
    let (field, tickets) = match chosen {
        Chosen::These(ids) => {
            let mut seen = HashSet::new();
            ("/ids", ids.into_iter().filter(|id| seen.insert(*id)).collect())
        }
        Chosen::Found(filter) => {
            let limit = i64::try_from(MOST + 1).map_err(AppError::internal)?;
            ("/filter", tickets::ids(conn, actor, &filter, limit, now)?)
        }
    };
    if tickets.len() > MOST {
        return Err(AppError::field(field, format!("more than {MOST} tickets; narrow it down")));
    }
    // What was asked for can hold texts of tickets, and jobs are seen by many: it is kept apart.
    let options = json!({ "operation": wanted.kind, "tickets": tickets.len() });
    let new = NewJob { kind: BULK, subject: format!("caller/{}", actor.id), options };
    let job = jobs::start(conn, actor, new, now)?;
    let order = Order {
        job_id: job.id,
        operation: wanted.kind.to_string(),
        body: wanted.body,
        started_by: actor.id,
        permissions: actor.permissions.iter().map(ToString::to_string).collect(),
    };
    store::insert(conn, &order, &tickets)?;
    Ok(job)
}

/// One step: the next tickets, each in its own transaction.
pub async fn step(db: Db, job: Job, now: DateTime<Utc>) -> Result<Step, AppError> {
    let (began, id) = (Instant::now(), job.id);
    let next = db.read(move |conn| Ok((asked(conn, id)?, store::waiting(conn, id, CHUNK)?)));
    let (asked, waiting) = next.await?;
    let Some((actor, order)) = asked else {
        return Ok(Step::Failed("who asked for it may not call any more".into()));
    };
    let last = i64::try_from(waiting.len()).is_ok_and(|count| count < CHUNK);
    let (mut done, mut found) = (job.done, job.found);
    for (seq, ticket) in waiting {
        let turn =
            Turn { job: job.clone(), actor: actor.clone(), order: order.clone(), seq, ticket };
        let now = later(now, began);
        let refused = db.tx(move |conn| turn.take(conn, done, found, now)).await?;
        done += 1;
        found += i64::from(refused);
    }
    Ok(if last { Step::Done } else { Step::Next(later(now, began)) })
}

/// Who asked, as far as they may act now, and for what.
fn asked(conn: &mut PgConnection, job: JobId) -> Result<Option<(Actor, Order)>, AppError> {
    let order = store::order(conn, job)?.ok_or(AppError::NotFound("the bulk job"))?;
    let permitted: Vec<Permission> =
        order.permissions.iter().filter_map(|text| Permission::parse(text)).collect();
    let actor = auth::acting(conn, order.started_by)?;
    Ok(actor.map(|mut actor| {
        actor.permissions.retain(|permission| permitted.contains(permission));
        (actor, order)
    }))
}

/// A ticket's turn.
struct Turn {
    job: Job,
    actor: Actor,
    order: Order,
    seq: i32,
    ticket: TicketId,
}

impl Turn {
    /// Does it and writes down what became of it; true when it was refused. Whoever has lost the job meanwhile, or comes twice,
    /// changes nothing.
    fn take(
        self,
        conn: &mut PgConnection,
        done: i64,
        found: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, AppError> {
        let outcome = conn.transaction(|conn| self.perform(conn, now));
        let mut item = Item {
            seq: self.seq,
            ticket_id: self.ticket,
            status: Some(200),
            version: None,
            code: None,
            detail: None,
            done_at: Some(now),
        };
        match outcome {
            Ok(version) => item.version = Some(version),
            // The database is not to be had: the step is tried again.
            Err(error @ AppError::Unavailable(_)) => return Err(error),
            Err(error) => {
                if let AppError::Internal(cause) = &error {
                    tracing::error!(?cause, ticket = %self.ticket, "a ticket of a bulk job failed");
                }
                item.status = i16::try_from(error.status()).ok();
                item.code = Some(error.code().to_owned());
                item.detail = Some(error.to_string());
            }
        }
        let refused = item.code.is_some();
        if store::record(conn, self.job.id, &item)? == 0 {
            return Err(AppError::unavailable(anyhow::anyhow!("the ticket was worked on before")));
        }
        let progress = Progress {
            cursor: json!(self.seq),
            done: done + 1,
            total: self.job.options["tickets"].as_i64(),
            found: found + i64::from(refused),
        };
        jobs::save(conn, &self.job, &progress)?;
        Ok(refused)
    }

    fn perform(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<i32, AppError> {
        let unknown = || AppError::Internal(anyhow::anyhow!("there is no such operation"));
        let kind = BulkOperation::parse(&self.order.operation).ok_or_else(unknown)?;
        let (actor, id, any) = (&self.actor, self.ticket, IfMatch(None));
        let ticket = match read_body(kind, &self.order.body, actor)? {
            Asked::Operation(operation) => operation.perform(conn, actor, id, any, now)?,
            Asked::Macro(MacroOrder { macro_id, values }) => {
                macros::apply(conn, actor, id, any, (macro_id, &values), now)?
            }
        };
        Ok(ticket.row.version)
    }
}

/// A page of what became of the tickets, in the order in which they are worked on: for who asked.
pub fn outcomes(
    conn: &mut PgConnection,
    actor: &Actor,
    job: JobId,
    refused: bool,
    page: &PageRequest,
) -> Result<Page<Item>, AppError> {
    let order = store::order(conn, job)?.filter(|order| order.started_by == actor.id);
    order.ok_or(AppError::NotFound("a bulk job of yours"))?;
    let from = page.cursor.as_ref().map(|cursor| {
        let seq = cursor.key.as_i64().and_then(|seq| i32::try_from(seq).ok());
        seq.ok_or_else(|| AppError::Malformed("cursor is not valid".into()))
    });
    let (from, backward) = (from.transpose()?, page.backward());
    let rows = store::outcomes(conn, job, refused, from, backward, page.fetch())?;
    Ok(page.page(rows, |item| (Value::from(item.seq), item.ticket_id.0)))
}

/// Takes a secret out of what bulk jobs were asked to do with a ticket.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> Result<(), AppError> {
    Ok(store::erase(conn, ticket, erasure)?)
}
