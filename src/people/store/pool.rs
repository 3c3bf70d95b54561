//! What assignment reads of agents.
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;

use super::agents::{Leaves, WorkingWeek, department_ids};
use crate::db::schema::{agent_departments, agents, appointments};
use crate::kernel::{AgentId, CategoryId, DepartmentId, Level, ProductId, TimeZone};
use crate::people::rules::Duty;

/// What assignment has to know of an agent. Without the departments, whose literal SQL is never kept prepared: this
/// is read for every new ticket, under the locks that others wait for.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = agents, check_for_backend(Pg))]
pub struct PoolAgent {
    pub id: AgentId,
    pub name: String,
    pub product_ids: Option<Vec<ProductId>>,
    pub category_ids: Option<Vec<CategoryId>>,
    pub type_keys: Option<Vec<String>>,
    pub time_zone: TimeZone,
    pub working_hours: Option<WorkingWeek>,
    pub capacity: i32,
    pub away: bool,
    pub leave_until: Option<DateTime<Utc>>,
    pub leaves: Leaves,
    pub open_tickets: i32,
    pub active: bool,
}

impl PoolAgent {
    /// What decides whether the agent is there.
    pub fn duty(&self) -> Duty<'_> {
        Duty {
            week: self.working_hours.as_deref(),
            time_zone: self.time_zone.0,
            away: self.away,
            leave_until: self.leave_until,
            leaves: &self.leaves,
        }
    }

    /// True when the agent is active and there.
    pub fn on_duty(&self, now: DateTime<Utc>) -> bool {
        self.active && self.duty().on_duty(now)
    }
}

/// An agent, and whether they are of the department and the level that were asked for.
#[derive(Debug, Clone, Queryable)]
pub struct PoolMember {
    pub agent: PoolAgent,
    pub in_pool: bool,
    /// An appointment has begun and not ended.
    pub in_appointment: bool,
}

impl std::ops::Deref for PoolMember {
    type Target = PoolAgent;

    fn deref(&self) -> &PoolAgent {
        &self.agent
    }
}

/// An active agent, and where they work.
#[derive(Debug, Clone, Queryable)]
pub struct Staff {
    pub agent: PoolAgent,
    pub levels: Vec<Level>,
    pub departments: Vec<DepartmentId>,
    pub in_appointment: bool,
}

impl Staff {
    /// The agent as a member of a department and level, if they work there.
    pub fn member(&self, department: DepartmentId, level: Level) -> Option<PoolMember> {
        let works = self.departments.contains(&department) && self.levels.contains(&level);
        let (agent, in_appointment) = (&self.agent, self.in_appointment);
        works.then(|| PoolMember { agent: agent.clone(), in_pool: true, in_appointment })
    }
}

macro_rules! members {
    ($department:expr) => {
        agent_departments::table
            .filter(agent_departments::department_id.eq($department))
            .select(agent_departments::agent_id)
    };
}

macro_rules! in_appointment {
    ($now:expr) => {
        exists(
            appointments::table
                .filter(appointments::agent_id.eq(agents::id))
                .filter(appointments::cancelled_at.is_null())
                .filter(appointments::ends_at.gt($now))
                .filter(appointments::starts_at.le($now)),
        )
    };
}

macro_rules! in_pool {
    ($department:expr, $level:expr) => {
        agents::active
            .and(agents::id.eq_any(members!($department)))
            .and(agents::levels.contains(vec![$level]))
    };
}

/// The active agents of a department who work a level, by their ids.
pub fn pool(
    conn: &mut PgConnection,
    department: DepartmentId,
    level: Level,
    now: DateTime<Utc>,
) -> QueryResult<Vec<PoolMember>> {
    agents::table
        .filter(in_pool!(department, level))
        .order(agents::id)
        .select((PoolAgent::as_select(), in_pool!(department, level), in_appointment!(now)))
        .load(conn)
}

/// The same and `holder`, locked until the transaction ends, in the order of their ids: whoever picks among some of
/// them waits, and then sees the loads that the others left. The holder's load changes too, so they are locked with
/// the others: one by one, two transactions could wait for each other.
pub fn lock_pool(
    conn: &mut PgConnection,
    department: DepartmentId,
    level: Level,
    holder: Option<AgentId>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<PoolMember>> {
    let holder = holder.into_iter().collect::<Vec<_>>();
    agents::table
        .filter(in_pool!(department, level).or(agents::id.eq_any(holder)))
        .order(agents::id)
        .for_no_key_update()
        .select((PoolAgent::as_select(), in_pool!(department, level), in_appointment!(now)))
        .load(conn)
}

/// These agents, whether they are of the department and level or not, locked until the transaction ends, in the order of
/// their ids.
pub fn lock_members(
    conn: &mut PgConnection,
    department: DepartmentId,
    level: Level,
    ids: Vec<AgentId>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<PoolMember>> {
    agents::table
        .filter(agents::id.eq_any(ids))
        .order(agents::id)
        .for_no_key_update()
        .select((PoolAgent::as_select(), in_pool!(department, level), in_appointment!(now)))
        .load(conn)
}

/// The active agents of these departments, each once.
pub fn staff(
    conn: &mut PgConnection,
    departments: &[DepartmentId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Staff>> {
    let members = agent_departments::table
        .filter(agent_departments::department_id.eq_any(departments))
        .select(agent_departments::agent_id);
    agents::table
        .filter(agents::active)
        .filter(agents::id.eq_any(members))
        .order(agents::id)
        .select((PoolAgent::as_select(), agents::levels, department_ids(), in_appointment!(now)))
        .load(conn)
}
