//! Several operations in one request.
use actix_web::{post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::service::{InWorkflow, Work};
use super::super::store::Ticket;
use super::open::OpenTicket;
use super::operation::{OperationKind, operation};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, ItemProblem, now, read};
use crate::kernel::{AppError, FieldError, Permission, TicketId, text_enum};

text_enum! {
    /// What is done, and so what `body` is: as for the operation of that name.
    BatchOperation {
        /// `POST /v1/tickets`
        Open = "open",
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
        /// No body.
        Delete = "delete",
        /// No body.
        Restore = "restore",
    }
}

/// Operations to be done one after another.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    #[garde(length(min = 1, max = 100))]
    items: Vec<BatchItem>,
}

/// One operation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchItem {
    #[schema(example = "patch")]
    operation: BatchOperation,
    /// The ticket; absent to open one.
    id: Option<TicketId>,
    /// The version that you last saw; absent for any.
    #[schema(example = 3)]
    version: Option<i32>,
    /// What the operation of that name takes.
    #[serde(default = "empty")]
    #[schema(value_type = Object, example = json!({"priority": "high"}))]
    body: Value,
}

fn empty() -> Value {
    json!({})
}

/// What became of the operations, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchOutcomes)]
pub struct Outcomes {
    items: Vec<Outcome>,
}

/// What became of one operation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchOutcome)]
pub struct Outcome {
    /// As for the operation by itself.
    #[schema(example = 200)]
    status: u16,
    id: Option<TicketId>,
    /// The ticket's version now.
    #[schema(example = 4)]
    version: Option<i32>,
    /// Why nothing of it was done; pointers begin in the item.
    problem: Option<ItemProblem>,
}

/// Do up to 100 operations on tickets
///
/// Opening, changing, moving, assigning, transferring, noting, tagging, deleting and restoring, mixed as you like. Each stands for
/// itself, in its own transaction and in the order of the request: one that is refused stops no other. With an
/// `Idempotency-Key`, a batch that broke off can be sent again: what was decided keeps its outcome, the rest is done.
#[utoipa::path(
    tag = "tickets",
    params(Idempotency),
    request_body(content = Batch, example = json!({"items": [
        {"operation": "patch", "id": TicketId::EXAMPLE, "version": 3, "body": {"priority": "high"}},
        {"operation": "tags", "id": TicketId::EXAMPLE, "body": {"add": ["export"], "remove": []}},
    ]})),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 207, description = "An outcome for each operation", body = Outcomes)),
)]
#[post("/tickets:batch")]
pub async fn batch_tickets(
    db: web::Data<Db>,
    caller: Caller,
    key: Idempotency,
    body: Body<Batch>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let (fingerprint, batch) = (body.fingerprint.clone(), body.into_inner());
    let mut items = Vec::with_capacity(batch.items.len());
    let mut broken: Option<ItemProblem> = None;
    for (at, item) in batch.items.into_iter().enumerate() {
        if let Some(problem) = &broken {
            items.push(Outcome::failed(item.id, problem.clone()));
            continue;
        }
        let turn = Turn {
            caller: caller.clone(),
            key: key.part(at),
            fingerprint: fingerprint.clone(),
            item,
        };
        match turn.run(&db).await {
            Ok(outcome) => items.push(outcome),
            // The key is in use, or stands for another request: then it does so for all of them.
            Err(error) if error.status() < 500 => return Err(error),
            Err(error) => {
                tracing::warn!(?error, at, "an item of a batch could not be done");
                let problem = ItemProblem::of(&error);
                items.push(Outcome::failed(None, problem.clone()));
                broken = matches!(error, AppError::Unavailable(_)).then_some(problem);
            }
        }
    }
    Ok(Answer::ok(&Outcomes { items })?.status(207))
}

/// One operation on its way.
#[derive(Clone)]
struct Turn {
    caller: Caller,
    key: Idempotency,
    fingerprint: Vec<u8>,
    item: BatchItem,
}

impl Turn {
    /// Once more when the database gave way to another: a deadlock, a connection that was lost.
    async fn run(self, db: &Db) -> Result<Outcome, AppError> {
        match self.clone().once(db).await {
            Err(AppError::Unavailable(_)) => self.once(db).await,
            done => done,
        }
    }

    /// The outcome is kept with the effect; a refusal is an outcome too.
    async fn once(self, db: &Db) -> Result<Outcome, AppError> {
        let Self { caller, key, fingerprint, item } = self;
        let answer = db.tx(move |conn| {
            key.once(conn, caller.id, &fingerprint, |conn| {
                let done = match item.work(&caller) {
                    Ok(work) => work.attempt(conn, &caller, now())?,
                    Err(refusal) => Err(refusal),
                };
                Answer::ok(&item.outcome(done.map_err(inside)))
            })
        });
        answer.await?.value()
    }
}

impl BatchItem {
    fn work(&self, caller: &Caller) -> Result<Work, AppError> {
        let id = |detail| AppError::field("/id", detail);
        match (OperationKind::parse(self.operation.as_str()), self.id) {
            (None, None) if self.version.is_none() => {
                Ok(Work::Open(read::<OpenTicket>(&self.body)?.into()))
            }
            (None, _) => Err(id("what is opened has neither id nor version yet")),
            (Some(_), None) => Err(id("a ticket's id is required")),
            (Some(kind), Some(id)) => {
                Ok(Work::On(id, IfMatch(self.version), operation(kind, &self.body, caller)?))
            }
        }
    }

    fn outcome(&self, done: Result<InWorkflow<Ticket>, AppError>) -> Outcome {
        let ticket = match done {
            Ok(ticket) => ticket.row,
            Err(error) => return Outcome::failed(self.id, ItemProblem::of(&error)),
        };
        let status = match self.operation {
            BatchOperation::Open => 201,
            BatchOperation::Delete => 204,
            _ => 200,
        };
        Outcome { status, id: Some(ticket.id), version: Some(ticket.version), problem: None }
    }
}

/// The pointers of what is wrong in an item's body, from the item on.
fn inside(error: AppError) -> AppError {
    let from_item = |error: FieldError| match error.pointer.as_str() {
        "/id" => error,
        pointer => FieldError::new(format!("/body{pointer}"), error.detail),
    };
    match error {
        AppError::Invalid(errors) => AppError::Invalid(errors.into_iter().map(from_item).collect()),
        error => error,
    }
}

impl Outcome {
    fn failed(id: Option<TicketId>, problem: ItemProblem) -> Self {
        Self { status: problem.status, id, version: None, problem: Some(problem) }
    }
}
