//! The process that a ticket follows outside the desk.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::service::{self, Marking, TicketProcess};
use crate::auth::Caller;
use crate::catalog::StepCheck;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now};
use crate::kernel::{AppError, Permission, TicketId, rfc3339};
use crate::routing::{CheckedBy, State, TicketStep};

/// A step of the process, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketStepView {
    #[schema(example = 3)]
    step: i32,
    /// What is to be done.
    #[serde(rename = "do")]
    #[schema(example = "tell the customer that the request goes to their account manager")]
    task: String,
    #[schema(example = "public_note")]
    check: StepCheck,
    done: bool,
    /// How it was found that it was done.
    checked_by: Option<CheckedBy>,
    /// Who said so.
    #[schema(example = "Coordinator")]
    by: Option<String>,
    #[serde(serialize_with = "rfc3339::option")]
    since: Option<DateTime<Utc>>,
    /// Where it is to be seen.
    #[schema(example = "note 3")]
    reference: Option<String>,
}

impl From<(TicketStep, State)> for TicketStepView {
    fn from((step, state): (TicketStep, State)) -> Self {
        let (checked_by, since, by, reference) = match state {
            State::Open => (None, None, None, None),
            State::Done { by, at, name, reference } => (Some(by), Some(at), name, Some(reference)),
        };
        let TicketStep { number, task, check, .. } = step;
        let done = checked_by.is_some();
        Self { step: number, task, check, done, checked_by, by, since, reference }
    }
}

/// The process that a ticket follows, as it was when the ticket was routed.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketProcessView {
    /// Its key.
    #[schema(example = "account_manager")]
    process: String,
    #[schema(example = "Hand to the account manager")]
    name: String,
    #[serde(serialize_with = "rfc3339::serialize")]
    attached_at: DateTime<Utc>,
    /// Every step is done.
    complete: bool,
    steps: Vec<TicketStepView>,
}

impl From<TicketProcess> for TicketProcessView {
    fn from(process: TicketProcess) -> Self {
        let steps: Vec<TicketStepView> =
            process.steps.into_iter().map(TicketStepView::from).collect();
        Self {
            process: process.attached.process,
            name: process.attached.name,
            attached_at: process.attached.attached_at,
            complete: steps.iter().all(|step| step.done),
            steps,
        }
    }
}

/// Get the process that a ticket follows
///
/// Each step, done or open. The service looks itself where it can; the other steps are marked by who does them. 404 when the
/// ticket follows none.
#[utoipa::path(
    tag = "routing",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The process", body = TicketProcessView)),
)]
#[get("/tickets/{id}/process")]
pub async fn get_ticket_process(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (process, _) = db.read(move |conn| service::process(conn, &caller, id.0)).await?;
    Answer::ok(&TicketProcessView::from(process))
}

/// Whether a step was done, and where that is to be seen.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkStep {
    /// False takes the mark back.
    #[garde(skip)]
    #[schema(example = true)]
    done: bool,
    /// A message, a call, another system's number; what is done needs one.
    #[garde(length(chars, min = 1, max = 1000))]
    #[schema(example = "Call with the account manager at noon")]
    reference: Option<String>,
}

/// Mark a step of a ticket's process
///
/// Only a step that the service cannot check itself; otherwise 409 `checked_by_service`. The ETag is the ticket's.
#[utoipa::path(
    tag = "routing",
    params(("id" = TicketId, Path), ("step" = i32, Path, description = "Its number", example = 1), IfMatch),
    request_body = MarkStep,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The process as it is now", body = TicketProcessView)),
)]
#[post("/tickets/{id}/process/steps/{step}")]
pub async fn mark_process_step(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, i32)>,
    seen: IfMatch,
    body: Body<MarkStep>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (id, step) = path.into_inner();
    let body = body.into_inner();
    let marking = Marking { done: body.done, reference: body.reference };
    let mark =
        move |conn: &mut _| service::mark_step(conn, &caller, id, seen, step, marking, now());
    let (process, ticket) = db.tx(mark).await?;
    Ok(Answer::ok(&TicketProcessView::from(process))?.version(ticket.row.version))
}
