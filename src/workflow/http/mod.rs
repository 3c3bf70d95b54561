//! Endpoints of workflows, statuses, transitions and priorities.
mod diagram;
mod statuses;
mod transitions;
mod workflows;

use actix_web::get;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Workflow, service};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::Answer;
use crate::kernel::{AppError, Permission, Priority, WorkflowId};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(workflows::list_workflows)
        .service(workflows::create_workflow)
        .service(workflows::get_workflow)
        .service(workflows::change_workflow)
        .service(workflows::replace_workflow)
        .service(workflows::delete_workflow)
        .service(diagram::draw_workflow)
        .service(statuses::list_statuses)
        .service(statuses::create_status)
        .service(statuses::change_status)
        .service(statuses::delete_status)
        .service(transitions::create_transition)
        .service(transitions::delete_transition)
        .service(list_priorities);
}

/// Every change of a workflow can be looked at before it is made.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ChangeQuery {
    /// `true`: nothing is changed; the answer is 200 with what would differ and everything for which it would be refused.
    #[serde(default)]
    #[param(example = false)]
    dry_run: bool,
}

/// What a change would do.
async fn plan(
    db: &Db,
    id: WorkflowId,
    change: impl FnOnce(&mut Workflow) -> Result<(), AppError> + Send + 'static,
) -> Result<Answer, AppError> {
    let plan = db.quiet_tx(move |conn| service::plan(conn, id, change)).await?;
    Ok(Answer::ok(&plan)?.version(plan.version))
}

/// How urgent a ticket can be.
#[derive(Debug, Serialize, ToSchema)]
struct PriorityView {
    key: Priority,
    /// 1 for the least urgent.
    #[schema(example = 2)]
    rank: i16,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriorityList)]
struct Priorities {
    items: Vec<PriorityView>,
}

/// List the priorities, least urgent first
///
/// Priorities are the same at every desk; the triage matrix says which one follows from severity and impact.
#[utoipa::path(
    tag = "workflow",
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The four priorities", body = Priorities)),
)]
#[get("/priorities")]
async fn list_priorities(caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let views = Priority::ALL.map(|key| PriorityView { key, rank: key.rank() });
    Answer::ok(&Priorities { items: views.into() })
}
