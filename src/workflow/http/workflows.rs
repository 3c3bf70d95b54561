//! Workflows as a whole.
use actix_web::{delete, get, patch, post, put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChangeQuery, plan};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now};
use crate::kernel::{AppError, Page, Permission, WorkflowId};
use crate::workflow::store::Head;
use crate::workflow::{NewWorkflow, Plan, Workflow, WorkflowDefinition, service};

/// A workflow in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowSummary {
    id: WorkflowId,
    #[schema(example = "consultancy")]
    key: String,
    #[schema(example = "Consultancy")]
    name: String,
    #[schema(example = "005")]
    draft_status: String,
    #[schema(example = "010")]
    submitted_status: String,
    #[schema(example = 30)]
    reopen_window_days: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Head> for WorkflowSummary {
    fn from(head: Head) -> Self {
        Self {
            id: head.id,
            key: head.key,
            name: head.name,
            draft_status: head.draft_status,
            submitted_status: head.submitted_status,
            reopen_window_days: head.reopen_window_days,
            version: head.version,
            created_at: head.created_at,
            updated_at: head.updated_at,
        }
    }
}

/// List workflows, oldest first
///
/// Without their statuses and transitions; read one workflow to see them.
#[utoipa::path(
    tag = "workflow",
    params(PageQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of workflows", body = Page<WorkflowSummary>)),
)]
#[get("/workflows")]
pub(super) async fn list_workflows(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let request = query.request("workflows")?;
    let page = db.read(move |conn| service::list(conn, &request)).await?;
    Answer::page(&page.map(WorkflowSummary::from))
}

/// Get a workflow
///
/// Whole: with its statuses and its transitions.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path)),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The workflow", body = Workflow)),
)]
#[get("/workflows/{id}")]
pub(super) async fn get_workflow(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let workflow = db.read(move |conn| service::get(conn, id.0)).await?;
    Ok(Answer::ok(&workflow)?.version(workflow.version))
}

/// Create a workflow
///
/// With its statuses and transitions at once. From every status that a ticket can get into, there must be a way to a
/// closed one. A department uses the workflow as soon as it is told to.
#[utoipa::path(
    tag = "workflow",
    params(Idempotency),
    request_body = NewWorkflow,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 201, description = "The workflow", body = Workflow)),
)]
#[post("/workflows")]
pub(super) async fn create_workflow(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewWorkflow>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let create = move |conn: &mut _| {
        let fingerprint = body.fingerprint.clone();
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let workflow = service::create(conn, &caller, body.into_inner(), now())?;
            let location = format!("/v1/workflows/{}", workflow.id);
            Ok(Answer::created(location, &workflow)?.version(workflow.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct WorkflowChange {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Consultancy")]
    name: Option<String>,
    /// Days after its closing in which a ticket can be reopened. The transitions that were limited to the former window
    /// are limited to this one.
    #[garde(range(min = 1, max = 3650))]
    #[schema(example = 45)]
    reopen_window_days: Option<i32>,
    /// Where a draft starts.
    #[garde(skip)]
    #[schema(example = "005")]
    draft_status: Option<String>,
    /// Where a submitted ticket enters.
    #[garde(skip)]
    #[schema(example = "010")]
    submitted_status: Option<String>,
}

/// What was changed, or what would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum WorkflowOrPlan {
    Workflow(Workflow),
    Plan(Plan),
}

/// Change a workflow
///
/// Its statuses and transitions have operations of their own; `PUT` replaces all at once.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path), ChangeQuery, IfMatch),
    request_body = WorkflowChange,
    security(("client_credentials" = ["workflow:write"])),
    responses(
        (status = 200, description = "The workflow as it is now, or a plan with `dry_run=true`", body = WorkflowOrPlan),
    ),
)]
#[patch("/workflows/{id}")]
pub(super) async fn change_workflow(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
    query: Params<ChangeQuery>,
    seen: IfMatch,
    body: Body<WorkflowChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let change = body.into_inner();
    let apply = move |workflow: &mut Workflow| {
        seen.check(workflow.version)?;
        if let Some(days) = change.reopen_window_days {
            workflow.set_reopen_window(days);
        }
        workflow.name = change.name.unwrap_or_else(|| workflow.name.clone());
        workflow.draft_status =
            change.draft_status.unwrap_or_else(|| workflow.draft_status.clone());
        workflow.submitted_status =
            change.submitted_status.unwrap_or_else(|| workflow.submitted_status.clone());
        Ok(())
    };
    write(&db, caller, id.0, query.dry_run, apply).await
}

/// Replace a workflow
///
/// With all its statuses and transitions, in one step: get it, change what should differ, and send it back. What is absent
/// goes; a status only while no ticket has it (409 `status_in_use`): move those first with
/// `POST /v1/workflows/{id}/ticket-moves`. Look at it with `dry_run=true` before.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path), ChangeQuery, IfMatch),
    request_body = WorkflowDefinition,
    security(("client_credentials" = ["workflow:write"])),
    responses(
        (status = 200, description = "The workflow as it is now, or a plan with `dry_run=true`", body = WorkflowOrPlan),
    ),
)]
#[put("/workflows/{id}")]
pub(super) async fn replace_workflow(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
    query: Params<ChangeQuery>,
    seen: IfMatch,
    body: Body<WorkflowDefinition>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let definition = body.into_inner();
    let apply = move |workflow: &mut Workflow| {
        seen.check(workflow.version)?;
        definition.apply(workflow)
    };
    write(&db, caller, id.0, query.dry_run, apply).await
}

/// Makes the change, or tells what it would do.
async fn write(
    db: &Db,
    caller: Caller,
    id: WorkflowId,
    dry_run: bool,
    change: impl FnOnce(&mut Workflow) -> Result<(), AppError> + Send + 'static,
) -> Result<Answer, AppError> {
    if dry_run {
        return plan(db, id, change).await;
    }
    let workflow = db.tx(move |conn| service::change(conn, &caller, id, now(), change)).await?;
    Ok(Answer::ok(&workflow)?.version(workflow.version))
}

/// Delete a workflow
///
/// Refused with 409 `workflow_in_use` while a department, a ticket type or a ticket follows it.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path), IfMatch),
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 204, description = "It is gone")),
)]
#[delete("/workflows/{id}")]
pub(super) async fn delete_workflow(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    db.tx(move |conn| service::delete(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}
