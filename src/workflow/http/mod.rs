//! Endpoints of workflows, statuses, transitions and priorities.
mod statuses;
mod transitions;
mod workflows;

use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::http::Answer;
use crate::kernel::{AppError, Permission, Priority};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(workflows::list_workflows)
        .service(workflows::create_workflow)
        .service(workflows::get_workflow)
        .service(workflows::change_workflow)
        .service(statuses::list_statuses)
        .service(statuses::create_status)
        .service(statuses::change_status)
        .service(transitions::create_transition)
        .service(transitions::delete_transition)
        .service(list_priorities);
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
struct Priorities {
    items: Vec<PriorityView>,
}

/// List the priorities, least urgent first
#[utoipa::path(
    tag = "workflow",
    security(("bearer" = ["workflow:read"]), ("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The four priorities", body = Priorities)),
)]
#[get("/priorities")]
async fn list_priorities(caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let views = Priority::ALL.map(|key| PriorityView { key, rank: key.rank() });
    Answer::ok(&Priorities { items: views.into() })
}
