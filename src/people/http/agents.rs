//! Agents.
use actix_web::{get, patch, post, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::agent_requests::{AgentChange, NewAgent};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now};
use crate::kernel::{AgentId, AppError, DepartmentId, Page, PageRequest, Permission};
use crate::people::{Agent, AgentFilter, AgentRole, service};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_agent).service(list_agents).service(get_agent).service(change_agent);
}

/// Create an agent
///
/// Nobody grants more than they have: 403 names the permission that the caller lacks.
#[utoipa::path(
    tag = "people",
    params(Idempotency),
    request_body = NewAgent,
    security(("client_credentials" = ["people:write"])),
    responses((status = 201, description = "The agent", body = Agent)),
)]
#[post("/agents")]
async fn create_agent(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewAgent>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let now = now();
    let fingerprint = body.fingerprint.clone();
    let agent = body.into_inner().agent(now);
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let agent = service::create_agent(conn, &caller, agent, now)?;
            let location = format!("/v1/agents/{}", agent.id);
            Ok(Answer::created(location, &agent)?.version(agent.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AgentQuery {
    /// Only agents of this department.
    department: Option<DepartmentId>,
    /// Only agents of this role.
    role: Option<AgentRole>,
    /// Part of the name or the e-mail address, without regard to case.
    #[param(example = "L1")]
    q: Option<String>,
    /// Only active, or only inactive ones.
    active: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List agents by name
///
/// `department` and `role` narrow the list, `q` finds a part of the name. How many open tickets each has is kept, not counted.
#[utoipa::path(
    tag = "people",
    params(AgentQuery),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "A page of agents", body = Page<Agent>)),
)]
#[get("/agents")]
async fn list_agents(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<AgentQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let Params(query) = query;
    let filter = AgentFilter {
        department: query.department,
        role: query.role,
        q: query.q,
        active: query.active,
        within: None,
    };
    let binding = format!("agents {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list_agents(conn, &filter, &request)).await?;
    Answer::page(&page)
}

/// Get an agent
///
/// With departments, skills, working hours, and how many open tickets they have.
#[utoipa::path(
    tag = "people",
    params(("id" = AgentId, Path)),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "The agent", body = Agent)),
)]
#[get("/agents/{id}")]
async fn get_agent(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let agent = db.read(move |conn| service::get_agent(conn, id.0)).await?;
    Ok(Answer::ok(&agent)?.version(agent.version))
}

/// Change an agent
///
/// Nobody grants more than they have: 403 names the permission that the caller lacks. Rights change everywhere within
/// five seconds.
#[utoipa::path(
    tag = "people",
    params(("id" = AgentId, Path), IfMatch),
    request_body = AgentChange,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The agent as it is now", body = Agent)),
)]
#[patch("/agents/{id}")]
async fn change_agent(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AgentId>,
    seen: IfMatch,
    body: Body<AgentChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let apply = move |agent: &mut Agent| {
        seen.check(agent.version)?;
        body.into_inner().apply(agent);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_agent(conn, &caller, id.0, now(), apply);
    let agent = db.tx(change).await?;
    Ok(Answer::ok(&agent)?.version(agent.version))
}
