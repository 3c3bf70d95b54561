//! Workflows as a whole.
use actix_web::{get, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now};
use crate::kernel::{AppError, Page, PageRequest, Permission, WorkflowId};
use crate::workflow::store::Head;
use crate::workflow::{NewWorkflow, Workflow, service};

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

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List workflows, oldest first
#[utoipa::path(
    tag = "workflow",
    params(ListQuery),
    security(("bearer" = ["workflow:read"]), ("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of workflows", body = Page<WorkflowSummary>)),
)]
#[get("/workflows")]
pub(super) async fn list_workflows(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ListQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), "workflows")?;
    let page = db.read(move |conn| service::list(conn, &request)).await?;
    Answer::page(&page.map(WorkflowSummary::from))
}

/// Get a workflow
///
/// Whole: with its statuses and its transitions.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path)),
    security(("bearer" = ["workflow:read"]), ("client_credentials" = ["workflow:read"])),
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
    security(("bearer" = ["workflow:write"]), ("client_credentials" = ["workflow:write"])),
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

/// Change a workflow
///
/// Its statuses and transitions have operations of their own.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path), IfMatch),
    request_body = WorkflowChange,
    security(("bearer" = ["workflow:write"]), ("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The workflow as it is now", body = Workflow)),
)]
#[patch("/workflows/{id}")]
pub(super) async fn change_workflow(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
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
    let workflow = db.tx(move |conn| service::change(conn, &caller, id.0, now(), apply)).await?;
    Ok(Answer::ok(&workflow)?.version(workflow.version))
}
