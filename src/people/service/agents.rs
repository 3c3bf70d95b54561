//! Agents.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::{named, tidy};
use crate::events;
use crate::kernel::{Actor, AgentId, AppError, DepartmentId, FieldError, Page, PageRequest};
use crate::people::store::agents::{self as store, Agent, Filter};

const MISSING: AppError = AppError::NotFound("the agent");

fn subject(id: AgentId) -> String {
    format!("agent/{id}")
}

/// Fails with `email_taken`, on an unknown department, product, category or type, and when the agent would get a
/// permission that the actor has not.
pub fn create_agent(
    conn: &mut PgConnection,
    actor: &Actor,
    mut agent: Agent,
    now: DateTime<Utc>,
) -> Result<Agent, AppError> {
    normalize(&mut agent);
    check_grant(actor, &agent)?;
    check_restrictions(conn, &agent)?;
    store::insert(conn, &agent).map_err(named)?;
    let agent = get_agent(conn, agent.id)?;
    events::resource_created(conn, actor, subject(agent.id), &agent, now)?;
    Ok(agent)
}

pub fn get_agent(conn: &mut PgConnection, id: AgentId) -> Result<Agent, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

/// True when the desk has any agent.
pub fn has_agents(conn: &mut PgConnection) -> Result<bool, AppError> {
    Ok(store::any(conn)?)
}

pub fn list_agents(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Agent>, AppError> {
    let rows = store::list(conn, filter, request)?;
    Ok(request.page(rows, |agent| (json!(agent.name), agent.id.0)))
}

/// Changes an agent under lock; `change` gets the present state. What changes nothing makes no new version. Fails as
/// [`create_agent`] does.
pub fn change_agent(
    conn: &mut PgConnection,
    actor: &Actor,
    id: AgentId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Agent) -> Result<(), AppError>,
) -> Result<Agent, AppError> {
    let before = store::lock(conn, id)?.ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    normalize(&mut after);
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    let touches = |field: &str| changes.contains_key(field);
    if touches("role") || touches("permissions") {
        check_grant(actor, &after)?;
    }
    if ["product_ids", "category_ids", "type_keys"].into_iter().any(touches) {
        check_restrictions(conn, &after)?;
    }
    if touches("department_ids") {
        store::replace_departments(conn, &after).map_err(named)?;
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    let after = store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}

fn normalize(agent: &mut Agent) {
    tidy(&mut agent.permissions);
    tidy(&mut agent.levels);
    tidy(&mut agent.department_ids);
    agent.product_ids.iter_mut().for_each(tidy);
    agent.category_ids.iter_mut().for_each(tidy);
    agent.type_keys.iter_mut().for_each(tidy);
}

fn check_grant(actor: &Actor, agent: &Agent) -> Result<(), AppError> {
    let granted = agent.role.role().permissions().iter().chain(&agent.permissions);
    actor.require_to_grant(granted.copied())
}

fn check_restrictions(conn: &mut PgConnection, agent: &Agent) -> Result<(), AppError> {
    let given = [
        ("/product_ids", agent.product_ids.as_ref().map_or(0, Vec::len)),
        ("/category_ids", agent.category_ids.as_ref().map_or(0, Vec::len)),
        ("/type_keys", agent.type_keys.as_ref().map_or(0, Vec::len)),
    ];
    if given.iter().all(|(_, count)| *count == 0) {
        return Ok(());
    }
    let known = store::count_restrictions(conn, agent)?;
    let unknown = given.iter().zip(known).filter(|((_, given), known)| given != known);
    let errors: Vec<FieldError> = unknown
        .map(|((pointer, _), _)| FieldError::new(*pointer, "one of these is not there"))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
}

/// The agent with this id, if they are active.
pub fn active_agent(conn: &mut PgConnection, id: AgentId) -> Result<Option<Agent>, AppError> {
    Ok(store::find(conn, id)?.filter(|agent| agent.active))
}

/// Those of these agents, and of the agents of this department, who are active.
pub fn active_agents(
    conn: &mut PgConnection,
    ids: &[AgentId],
    departments: &[DepartmentId],
) -> Result<Vec<Agent>, AppError> {
    Ok(store::active(conn, ids, departments)?)
}

/// The agent with this e-mail address, whatever its case.
pub fn agent_by_email(conn: &mut PgConnection, email: &str) -> Result<Option<AgentId>, AppError> {
    Ok(store::by_email(conn, email)?)
}
