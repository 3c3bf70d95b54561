//! The statuses of workflows.
use actix_web::{delete, get, patch, post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ChangeQuery, plan};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now};
use crate::kernel::{AppError, Page, PageRequest, Permission, WorkflowId};
use crate::workflow::store::StatusRow;
use crate::workflow::{Awaiting, Category, Plan, SlaState, Status, Workflow, service};

/// A status and the workflow that it belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusView {
    workflow_id: WorkflowId,
    #[schema(example = "030")]
    code: String,
    #[schema(example = "ANALYSIS")]
    key: String,
    #[schema(example = "Problem analysis")]
    name: String,
    category: Category,
    sla: SlaState,
    awaiting: Awaiting,
    /// What the customer sees.
    #[schema(example = "Under investigation")]
    customer_label: String,
    #[schema(example = 100)]
    sort_order: i32,
}

impl StatusView {
    fn new(workflow_id: WorkflowId, status: Status) -> Self {
        Self {
            workflow_id,
            code: status.code,
            key: status.key,
            name: status.name,
            category: status.category,
            sla: status.sla,
            awaiting: status.awaiting,
            customer_label: status.customer_label,
            sort_order: status.sort_order,
        }
    }
}

impl From<StatusRow> for StatusView {
    fn from(row: StatusRow) -> Self {
        Self::new(row.workflow_id, row.into())
    }
}

/// What was changed, or what would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum StatusOrPlan {
    Status(StatusView),
    Plan(Plan),
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct StatusQuery {
    /// Only the statuses of this workflow.
    workflow: Option<WorkflowId>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List statuses
///
/// Of one workflow or of all, each workflow's in the order in which they are shown.
#[utoipa::path(
    tag = "workflow",
    params(StatusQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of statuses", body = Page<StatusView>)),
)]
#[get("/statuses")]
pub(super) async fn list_statuses(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<StatusQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let workflow = query.workflow;
    let binding = format!("statuses {workflow:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list_statuses(conn, workflow, &request)).await?;
    Answer::page(&page.map(StatusView::from))
}

/// Add a status
///
/// No ticket can get into it before a transition leads there; add the ways out of it first.
#[utoipa::path(
    tag = "workflow",
    params(
        ("id" = WorkflowId, Path),
        ChangeQuery,
        IfMatch,
        Idempotency,
    ),
    request_body = Status,
    security(("client_credentials" = ["workflow:write"])),
    responses(
        (status = 201, description = "The status; the ETag is the workflow's", body = StatusView),
        (status = 200, description = "What would differ, with `dry_run=true`", body = Plan),
    ),
)]
#[post("/workflows/{id}/statuses")]
pub(super) async fn create_status(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
    query: Params<ChangeQuery>,
    seen: IfMatch,
    idempotency: Idempotency,
    body: Body<Status>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (fingerprint, status) = (body.fingerprint.clone(), body.into_inner());
    let new = status.clone();
    let add = move |workflow: &mut Workflow| {
        seen.check(workflow.version)?;
        workflow.add_status(new)
    };
    if query.dry_run {
        return plan(&db, id.0, add).await;
    }
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let workflow = service::change(conn, &caller, id.0, now(), add)?;
            let location = format!("/v1/workflows/{}", workflow.id);
            let view = StatusView::new(workflow.id, status);
            Ok(Answer::created(location, &view)?.version(workflow.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Root cause analysis", "customer_label": "Under investigation"}))]
struct StatusChange {
    #[garde(length(chars, min = 1, max = 60))]
    #[schema(example = "ANALYSIS")]
    key: Option<String>,
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Root cause analysis")]
    name: Option<String>,
    /// Cannot change while tickets have this status.
    #[garde(skip)]
    category: Option<Category>,
    #[garde(skip)]
    sla: Option<SlaState>,
    #[garde(skip)]
    awaiting: Option<Awaiting>,
    /// What the customer sees.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Under investigation")]
    customer_label: Option<String>,
    #[garde(skip)]
    #[schema(example = 100)]
    sort_order: Option<i32>,
}

impl StatusChange {
    fn apply(self, status: &mut Status) {
        status.key = self.key.unwrap_or_else(|| status.key.clone());
        status.name = self.name.unwrap_or_else(|| status.name.clone());
        status.category = self.category.unwrap_or(status.category);
        status.sla = self.sla.unwrap_or(status.sla);
        status.awaiting = self.awaiting.unwrap_or(status.awaiting);
        status.customer_label =
            self.customer_label.unwrap_or_else(|| status.customer_label.clone());
        status.sort_order = self.sort_order.unwrap_or(status.sort_order);
    }
}

/// Change a status
///
/// Wording, clocks and order at any time; the category only while no ticket has the status (409 `status_in_use`).
#[utoipa::path(
    tag = "workflow",
    params(
        ("id" = WorkflowId, Path),
        ("code" = String, Path, example = "030"),
        ChangeQuery,
        IfMatch,
    ),
    request_body = StatusChange,
    security(("client_credentials" = ["workflow:write"])),
    responses(
        (status = 200, description = "The status as it is now, the ETag is the workflow's; or a plan with `dry_run=true`",
            body = StatusOrPlan),
    ),
)]
#[patch("/workflows/{id}/statuses/{code}")]
pub(super) async fn change_status(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(WorkflowId, String)>,
    query: Params<ChangeQuery>,
    seen: IfMatch,
    body: Body<StatusChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let ((id, code), change) = (path.into_inner(), body.into_inner());
    let of = code.clone();
    let apply = move |workflow: &mut Workflow| {
        seen.check(workflow.version)?;
        change.apply(workflow.status_mut(&of)?);
        Ok(())
    };
    if query.dry_run {
        return plan(&db, id, apply).await;
    }
    let work = move |conn: &mut _| {
        let mut workflow = service::change(conn, &caller, id, now(), apply)?;
        let status = workflow.status_mut(&code)?.clone();
        Answer::ok(&StatusView::new(id, status)).map(|a| a.version(workflow.version))
    };
    db.tx(work).await
}

/// Delete a status
///
/// With every transition into it and out of it. Refused with 409 `status_in_use` while tickets have it: move them first with
/// `POST /v1/workflows/{id}/ticket-moves`.
#[utoipa::path(
    tag = "workflow",
    params(
        ("id" = WorkflowId, Path),
        ("code" = String, Path, example = "014"),
        ChangeQuery,
        IfMatch,
    ),
    security(("client_credentials" = ["workflow:write"])),
    responses(
        (status = 204, description = "It is gone; the ETag is the workflow's"),
        (status = 200, description = "What would differ, with `dry_run=true`", body = Plan),
    ),
)]
#[delete("/workflows/{id}/statuses/{code}")]
pub(super) async fn delete_status(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(WorkflowId, String)>,
    query: Params<ChangeQuery>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (id, code) = path.into_inner();
    let remove = move |workflow: &mut Workflow| {
        seen.check(workflow.version)?;
        workflow.remove_status(&code)
    };
    if query.dry_run {
        return plan(&db, id, remove).await;
    }
    let workflow = db.tx(move |conn| service::change(conn, &caller, id, now(), remove)).await?;
    Ok(Answer::no_content().version(workflow.version))
}
