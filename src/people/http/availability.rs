//! Whether agents are there.
use actix_web::{put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, PathId, now};
use crate::kernel::{AgentId, AppError, Permission, rfc3339};
use crate::people::{Agent, Leaves, service};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(set_agent_availability).service(set_my_availability).service(set_my_leaves);
}

/// Whether an agent is there, whole.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    /// Not there for a moment.
    #[garde(skip)]
    #[schema(example = true)]
    away: bool,
    /// On leave until then; null or absent: not on leave.
    #[garde(skip)]
    leave_until: Option<DateTime<Utc>>,
}

impl Availability {
    fn apply(self) -> impl FnOnce(&mut Agent) -> Result<(), AppError> {
        move |agent: &mut Agent| {
            agent.away = self.away;
            agent.leave_until = self.leave_until.map(rfc3339::kept);
            Ok(())
        }
    }
}

/// Set an agent's availability
///
/// The last call counts: no `If-Match`.
#[utoipa::path(
    tag = "people",
    params(("id" = AgentId, Path)),
    request_body = Availability,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The agent as it is now", body = Agent)),
)]
#[put("/agents/{id}/availability")]
async fn set_agent_availability(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
    body: Body<Availability>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let apply = body.into_inner().apply();
    let agent = db.tx(move |conn| service::change_agent(conn, &caller, id.0, now(), apply)).await?;
    Ok(Answer::ok(&agent)?.version(agent.version))
}

/// Set your own availability
///
/// For the desk's people. The last call counts: no `If-Match`.
#[utoipa::path(
    tag = "people",
    request_body = Availability,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "You as you are now", body = Agent)),
)]
#[put("/me/availability")]
async fn set_my_availability(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<Availability>,
) -> Result<Answer, AppError> {
    let id = own_id(&caller)?;
    let apply = body.into_inner().apply();
    let agent = db.tx(move |conn| service::change_agent(conn, &caller, id, now(), apply)).await?;
    Ok(Answer::ok(&agent)?.version(agent.version))
}

fn own_id(caller: &Caller) -> Result<AgentId, AppError> {
    caller.require(Permission::TicketsWork)?;
    let no_agent =
        AppError::conflict("not_an_agent", "a program is always there: it has no availability");
    caller.agent_id().ok_or(no_agent)
}

/// Planned leaves, whole.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedLeaves {
    /// Those that are not given are cancelled.
    #[garde(skip)]
    leaves: Leaves,
}

/// Set your own planned leaves
///
/// For the desk's people; somebody else's are set by changing the agent. In a leave you get no tickets. The last call
/// counts: no `If-Match`.
#[utoipa::path(
    tag = "people",
    request_body = PlannedLeaves,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "You as you are now", body = Agent)),
)]
#[put("/me/leaves")]
async fn set_my_leaves(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<PlannedLeaves>,
) -> Result<Answer, AppError> {
    let id = own_id(&caller)?;
    let leaves = body.into_inner().leaves;
    let apply = move |agent: &mut Agent| {
        agent.leaves = leaves;
        Ok(())
    };
    let agent = db.tx(move |conn| service::change_agent(conn, &caller, id, now(), apply)).await?;
    Ok(Answer::ok(&agent)?.version(agent.version))
}
