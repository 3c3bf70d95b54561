//! Agents.
use actix_web::{get, patch, post, put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, nullable, set};
use crate::kernel::{
    AgentId, AppError, CategoryId, DepartmentId, Level, Page, PageRequest, Permission, ProductId,
    TimeZone,
};
use crate::people::{Agent, AgentFilter, AgentRole, WorkingWeek, service};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_agent)
        .service(list_agents)
        .service(get_agent)
        .service(change_agent)
        .service(set_agent_availability);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "L1 agent A")]
    name: String,
    /// Unique without regard to case.
    #[garde(email, length(max = 254))]
    #[schema(example = "l1-a@desk.example")]
    email: String,
    #[garde(skip)]
    role: AgentRole,
    /// Granted beside those of the role; only such as the caller has.
    #[serde(default)]
    #[garde(skip)]
    permissions: Vec<Permission>,
    /// The levels whose tickets the agent works.
    #[serde(default)]
    #[garde(skip)]
    levels: Vec<Level>,
    #[serde(default)]
    #[garde(length(max = 100))]
    department_ids: Vec<DepartmentId>,
    /// Assigned tickets of these products only; null: of every one.
    #[garde(length(max = 1000))]
    product_ids: Option<Vec<ProductId>>,
    /// Assigned tickets of these categories only; null: of every one.
    #[garde(length(max = 1000))]
    category_ids: Option<Vec<CategoryId>>,
    /// Assigned tickets of these types only; null: of every one.
    #[garde(length(max = 100))]
    #[schema(example = json!(["question", "incident"]))]
    type_keys: Option<Vec<String>>,
    #[serde(default = "utc")]
    #[garde(skip)]
    time_zone: TimeZone,
    /// Null: always on duty.
    #[garde(skip)]
    working_hours: Option<WorkingWeek>,
    /// Open tickets that the agent is assigned at the most.
    #[serde(default = "usual_capacity")]
    #[garde(range(min = 0, max = 10_000))]
    #[schema(example = 20)]
    capacity: i32,
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

fn usual_capacity() -> i32 {
    20
}

impl NewAgent {
    fn agent(self, now: DateTime<Utc>) -> Agent {
        Agent {
            id: AgentId::new(),
            name: self.name,
            email: self.email,
            role: self.role,
            permissions: self.permissions,
            levels: self.levels,
            department_ids: self.department_ids,
            product_ids: self.product_ids,
            category_ids: self.category_ids,
            type_keys: self.type_keys,
            time_zone: self.time_zone,
            working_hours: self.working_hours,
            capacity: self.capacity,
            away: false,
            leave_until: None,
            open_tickets: 0,
            active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Create an agent
///
/// Nobody grants more than they have: 403 names the permission that the caller lacks.
#[utoipa::path(
    tag = "people",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send again")),
    request_body = NewAgent,
    security(("bearer" = ["people:write"]), ("client_credentials" = ["people:write"])),
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
    let now = Utc::now();
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
#[utoipa::path(
    tag = "people",
    params(AgentQuery),
    security(("bearer" = ["people:read"]), ("client_credentials" = ["people:read"])),
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
    };
    let binding = format!("agents {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list_agents(conn, &filter, &request)).await?;
    Answer::page(&page)
}

/// Get an agent
#[utoipa::path(
    tag = "people",
    params(("id" = AgentId, Path)),
    security(("bearer" = ["people:read"]), ("client_credentials" = ["people:read"])),
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

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "L1 agent A")]
    name: Option<String>,
    /// Unique without regard to case.
    #[garde(email, length(max = 254))]
    #[schema(example = "l1-a@desk.example")]
    email: Option<String>,
    #[garde(skip)]
    role: Option<AgentRole>,
    /// Granted beside those of the role; only such as the caller has.
    #[garde(skip)]
    permissions: Option<Vec<Permission>>,
    #[garde(skip)]
    levels: Option<Vec<Level>>,
    #[garde(length(max = 100))]
    department_ids: Option<Vec<DepartmentId>>,
    /// Null: every product.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(length(max = 1000))]
    #[schema(value_type = Option<Vec<ProductId>>)]
    product_ids: Option<Option<Vec<ProductId>>>,
    /// Null: every category.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(length(max = 1000))]
    #[schema(value_type = Option<Vec<CategoryId>>)]
    category_ids: Option<Option<Vec<CategoryId>>>,
    /// Null: every type.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(length(max = 100))]
    #[schema(value_type = Option<Vec<String>>, example = json!(["question"]))]
    type_keys: Option<Option<Vec<String>>>,
    #[garde(skip)]
    time_zone: Option<TimeZone>,
    /// Null: always on duty.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(skip)]
    #[schema(value_type = Option<WorkingWeek>)]
    working_hours: Option<Option<WorkingWeek>>,
    #[garde(range(min = 0, max = 10_000))]
    #[schema(example = 20)]
    capacity: Option<i32>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
}

impl AgentChange {
    fn apply(self, agent: &mut Agent) {
        set(&mut agent.name, self.name);
        set(&mut agent.email, self.email);
        set(&mut agent.role, self.role);
        set(&mut agent.permissions, self.permissions);
        set(&mut agent.levels, self.levels);
        set(&mut agent.department_ids, self.department_ids);
        set(&mut agent.product_ids, self.product_ids);
        set(&mut agent.category_ids, self.category_ids);
        set(&mut agent.type_keys, self.type_keys);
        set(&mut agent.time_zone, self.time_zone);
        set(&mut agent.working_hours, self.working_hours);
        set(&mut agent.capacity, self.capacity);
        set(&mut agent.active, self.active);
    }
}

/// Change an agent
///
/// Nobody grants more than they have: 403 names the permission that the caller lacks. Rights change everywhere within
/// five seconds.
#[utoipa::path(
    tag = "people",
    params(("id" = AgentId, Path), ("If-Match" = String, Header, example = "\"v1\"")),
    request_body = AgentChange,
    security(("bearer" = ["people:write"]), ("client_credentials" = ["people:write"])),
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
    let change = move |conn: &mut _| service::change_agent(conn, &caller, id.0, Utc::now(), apply);
    let agent = db.tx(change).await?;
    Ok(Answer::ok(&agent)?.version(agent.version))
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
