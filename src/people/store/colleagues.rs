//! Agents as their colleagues need to know them.
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::{agent_departments, agents};
use crate::db::{containing, lower};
use crate::kernel::{AgentId, DepartmentId};
use crate::people::rules::AgentRole;

/// An agent to be turned to.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable)]
#[diesel(table_name = agents, check_for_backend(Pg))]
pub struct Colleague {
    pub id: AgentId,
    #[schema(example = "L1 agent A")]
    pub name: String,
    #[schema(example = "l1-a@desk.example")]
    pub email: String,
}

/// Who sees a ticket: coordinators and administrators, the agents of its department, and those whose own it is.
#[derive(Debug, Clone)]
pub struct Sees {
    pub department: DepartmentId,
    pub own: Vec<Uuid>,
}

/// Up to `limit` active agents who see it, by name: of these, or of all.
pub fn who_sees(
    conn: &mut PgConnection,
    sees: &Sees,
    of: Option<&[AgentId]>,
    part: &str,
    limit: i64,
) -> QueryResult<Vec<Colleague>> {
    let membership = agent_departments::table
        .filter(agent_departments::agent_id.eq(agents::id))
        .filter(agent_departments::department_id.eq(sees.department));
    let sees_all = agents::role.eq_any([AgentRole::Coordinator, AgentRole::Admin]);
    let mut query = agents::table
        .filter(agents::active)
        .filter(sees_all.or(agents::id.eq_any(&sees.own)).or(exists(membership)))
        .order((lower(agents::name), agents::id))
        .limit(limit)
        .select(Colleague::as_select())
        .into_boxed();
    if let Some(of) = of {
        query = query.filter(agents::id.eq_any(of));
    }
    if !part.is_empty() {
        let part = containing(part);
        query = query.filter(agents::name.ilike(part.clone()).or(agents::email.ilike(part)));
    }
    query.load(conn)
}
