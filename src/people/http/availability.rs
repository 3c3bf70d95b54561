//! Whether agents are there.
use actix_web::{put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, PathId};
use crate::kernel::{AgentId, AppError, Permission};
use crate::people::{Agent, service};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(set_agent_availability);
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

/// Set an agent's availability
///
/// Agents set their own; that of others needs `people:write`. The last one counts: no `If-Match`.
#[utoipa::path(
    tag = "people",
    params(("id" = AgentId, Path)),
    request_body = Availability,
    security(("bearer" = ["tickets:work"]), ("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The agent as it is now", body = Agent)),
)]
#[put("/agents/{id}/availability")]
async fn set_agent_availability(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
    body: Body<Availability>,
) -> Result<Answer, AppError> {
    let own = caller.agent_id() == Some(id.0) && caller.may(Permission::TicketsWork);
    if !own {
        caller.require(Permission::PeopleWrite)?;
    }
    let apply = move |agent: &mut Agent| {
        (agent.away, agent.leave_until) = (body.away, body.leave_until);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_agent(conn, &caller, id.0, Utc::now(), apply);
    let agent = db.tx(change).await?;
    Ok(Answer::ok(&agent)?.version(agent.version))
}
