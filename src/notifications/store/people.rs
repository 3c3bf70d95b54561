//! Those who can be told, with what they want, for many at a time.
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use serde_json::Value;

use crate::db::schema::{
    agent_departments, agents as a, contacts as c, notification_preferences as p,
};
use crate::kernel::{AccountId, AgentId, ContactId, DepartmentId, Level, TimeZone};
use crate::people::AgentRole;

/// An active agent.
#[derive(Debug, Clone, Queryable)]
pub struct AgentRow {
    pub id: AgentId,
    pub name: String,
    pub email: String,
    pub role: AgentRole,
    pub levels: Vec<Level>,
    pub time_zone: TimeZone,
    pub departments: Vec<DepartmentId>,
    pub preferences: Option<Value>,
}

/// The active agents among these, and those of these departments.
pub fn agents(
    conn: &mut PgConnection,
    ids: &[AgentId],
    departments: &[DepartmentId],
) -> QueryResult<Vec<AgentRow>> {
    let works_there = agent_departments::table
        .filter(agent_departments::agent_id.eq(a::id))
        .filter(agent_departments::department_id.eq_any(departments));
    let theirs = sql::<Array<SqlUuid>>(
        "array(select d.department_id from agent_departments d where d.agent_id = agents.id)",
    );
    a::table
        .left_join(p::table)
        .filter(a::active)
        .filter(a::id.eq_any(ids).or(exists(works_there)))
        .select((
            a::id,
            a::name,
            a::email,
            a::role,
            a::levels,
            a::time_zone,
            theirs,
            p::preferences.nullable(),
        ))
        .load(conn)
}

/// An active contact.
#[derive(Debug, Clone, Queryable)]
pub struct ContactRow {
    pub id: ContactId,
    pub name: String,
    pub email: String,
    pub language: String,
    pub time_zone: TimeZone,
    pub accounts: Vec<AccountId>,
    pub preferences: Option<Value>,
}

/// The active contacts among these.
pub fn contacts(conn: &mut PgConnection, ids: &[ContactId]) -> QueryResult<Vec<ContactRow>> {
    let theirs = sql::<Array<SqlUuid>>(
        "array(select m.account_id from contact_accounts m where m.contact_id = contacts.id)",
    );
    c::table
        .left_join(p::table)
        .filter(c::active)
        .filter(c::id.eq_any(ids))
        .select((
            c::id,
            c::name,
            c::email,
            c::language,
            c::time_zone,
            theirs,
            p::preferences.nullable(),
        ))
        .load(conn)
}
