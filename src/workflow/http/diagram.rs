//! The picture of a workflow.
use actix_web::{get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId};
use crate::kernel::{AppError, Permission, WorkflowId};
use crate::workflow::diagram::{self, Format};
use crate::workflow::service;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DiagramQuery {
    /// `svg` when absent.
    #[param(inline, example = "mermaid")]
    format: Option<Format>,
}

/// Draw a workflow
///
/// As SVG, or as a Mermaid state diagram for a Markdown page. Each status is a box in the colour of its category; an arrow tells what
/// causes or requires the way, and nothing where an agent may take it at any time. Dashed arrows need nobody.
#[utoipa::path(
    tag = "workflow",
    params(("id" = WorkflowId, Path), DiagramQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The picture", content(
        (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 480\"></svg>"),
        (String = "application/vnd.mermaid", example = "stateDiagram-v2\n  state \"new New\" as s0\n  [*] --> s0\n"),
    ))),
)]
#[get("/workflows/{id}/diagram")]
pub(super) async fn draw_workflow(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WorkflowId>,
    query: Params<DiagramQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let workflow = db.read(move |conn| service::get(conn, id.0)).await?;
    let answer = match query.format.unwrap_or(Format::Svg) {
        Format::Svg => Answer::text("image/svg+xml", diagram::svg(&workflow)),
        Format::Mermaid => Answer::text("application/vnd.mermaid", diagram::mermaid(&workflow)),
    };
    Ok(answer.version(workflow.version))
}
