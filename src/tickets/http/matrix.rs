//! The matrix of triage.
use actix_web::{get, post, put, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::service::{self, Difference};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, Params, now};
use crate::jobs::JobView;
use crate::kernel::{AppError, Permission};
use crate::triage::{self, Priorities, TriageMatrix};

/// Get the matrix of triage
///
/// The priority of every severity and impact.
#[utoipa::path(
    tag = "triage",
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The matrix", body = TriageMatrix)),
)]
#[get("/triage/matrix")]
pub async fn get_triage_matrix(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let matrix = db.read(triage::matrix).await?;
    Ok(Answer::ok(&matrix)?.version(matrix.version))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// True: tells which open tickets differ. Changes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// The whole matrix.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTriageMatrix {
    /// Four rows, the severities 1 (worst) to 4, of four columns, the impacts 1 (most) to 4.
    #[garde(skip)]
    priorities: Priorities,
}

/// The matrix, and what it would mean to open tickets.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriageMatrixChange {
    priorities: Priorities,
    #[schema(example = 2)]
    version: i32,
    /// Open tickets that are triaged and have another priority than the matrix says. They keep it until the matrix is applied.
    #[schema(example = 12)]
    would_change: i64,
    /// Those whose priority was chosen by hand: they keep it in any case.
    #[schema(example = 3)]
    kept_manual: i64,
}

/// Replace the matrix of triage
///
/// All sixteen cells. Open tickets keep the priorities that they have; the answer counts those that differ, and with
/// `dry_run=true` only that is done.
#[utoipa::path(
    tag = "triage",
    params(DryRun, IfMatch),
    request_body(content = NewTriageMatrix, example = json!({"priorities": [
        ["critical", "critical", "high", "high"], ["critical", "high", "high", "normal"],
        ["high", "normal", "normal", "low"], ["normal", "normal", "low", "low"],
    ]})),
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The matrix as it is now, or would be", body = TriageMatrixChange)),
)]
#[put("/triage/matrix")]
pub async fn replace_triage_matrix(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<DryRun>,
    seen: IfMatch,
    body: Body<NewTriageMatrix>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let priorities = body.into_inner().priorities;
    let dry_run = query.dry_run;
    let replace = move |conn: &mut _| {
        service::replace_matrix(conn, &caller, seen, priorities, dry_run, now())
    };
    let (matrix, Difference { would_change, kept_manual }) = db.tx(replace).await?;
    let TriageMatrix { priorities, version, .. } = matrix;
    let answer =
        Answer::ok(&TriageMatrixChange { priorities, version, would_change, kept_manual })?;
    // What was only tried out has no version that a change could name.
    Ok(if dry_run { answer } else { answer.version(version) })
}

/// Apply the matrix to open tickets
///
/// A job gives every open ticket that is triaged the priority that the matrix says, unless somebody chose it by hand.
#[utoipa::path(
    tag = "triage",
    params(IfMatch),
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 202, description = "The job", body = JobView)),
)]
#[post("/triage/matrix/application")]
pub async fn apply_triage_matrix(
    db: web::Data<Db>,
    caller: Caller,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let job = db.quiet_tx(move |conn| service::apply_matrix(conn, &caller, seen, now()));
    JobView::accepted(job.await?)
}
