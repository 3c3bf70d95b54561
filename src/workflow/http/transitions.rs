//! The transitions of workflows.
use actix_web::{delete, post, web};

use super::{ChangeQuery, plan};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now};
use crate::kernel::{AppError, Permission, TransitionId, WorkflowId};
use crate::workflow::{NewTransition, Plan, Transition, Workflow, service};

/// Add a transition
///
/// Tickets can take it at once. Refused with 422 `trap_status` when it leads to a status that has no way to a closed
/// one.
#[utoipa::path(
    tag = "workflow",
    params(
        ("id" = WorkflowId, Path),
        ChangeQuery,
        IfMatch,
        Idempotency,
    ),
    request_body = NewTransition,
    security(("client_credentials" = ["workflow:write"])),
    responses(
        (status = 201, description = "The transition; the ETag is the workflow's", body = Transition),
        (status = 200, description = "What would differ, with `dry_run=true`", body = Plan),
    ),
)]
#[post("/workflows/{id}/transitions")]
pub(super) async fn create_transition(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
    query: Params<ChangeQuery>,
    seen: IfMatch,
    idempotency: Idempotency,
    body: Body<NewTransition>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let fingerprint = body.fingerprint.clone();
    let transition = body.into_inner().into_transition();
    let new = transition.clone();
    let add = move |workflow: &mut Workflow| {
        seen.check(workflow.version)?;
        workflow.transitions.push(new);
        Ok(())
    };
    if query.dry_run {
        return plan(&db, id.0, add).await;
    }
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let workflow = service::change(conn, &caller, id.0, now(), add)?;
            let location = format!("/v1/workflows/{}", workflow.id);
            Ok(Answer::created(location, &transition)?.version(workflow.version))
        })
    };
    db.tx(create).await
}

/// Delete a transition
///
/// Refused with 422 `trap_status` when a status would lose its last way to a closed one.
#[utoipa::path(
    tag = "workflow",
    params(
        ("id" = WorkflowId, Path),
        ("transition_id" = TransitionId, Path),
        ChangeQuery,
        IfMatch,
    ),
    security(("client_credentials" = ["workflow:write"])),
    responses(
        (status = 204, description = "It is gone; the ETag is the workflow's"),
        (status = 200, description = "What would differ, with `dry_run=true`", body = Plan),
    ),
)]
#[delete("/workflows/{id}/transitions/{transition_id}")]
pub(super) async fn delete_transition(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(WorkflowId, TransitionId)>,
    query: Params<ChangeQuery>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (id, transition_id) = path.into_inner();
    let remove = move |workflow: &mut Workflow| {
        seen.check(workflow.version)?;
        let found = workflow.transitions.iter().position(|t| t.id == transition_id);
        workflow.transitions.remove(found.ok_or(AppError::NotFound("the transition"))?);
        Ok(())
    };
    if query.dry_run {
        return plan(&db, id, remove).await;
    }
    let workflow = db.tx(move |conn| service::change(conn, &caller, id, now(), remove)).await?;
    Ok(Answer::no_content().version(workflow.version))
}
