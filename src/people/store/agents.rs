//! Agents, and the departments that they work in.
use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::dsl::{exists, sql};
use diesel::expression::{AsExpression, SqlLiteral};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{self, Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::schema::{agent_departments, agents, categories, products, ticket_types};
use crate::db::{containing, load_by_name, lower};
use crate::kernel::{
    AgentId, CategoryId, DepartmentId, Level, PageRequest, Permission, ProductId, TimeZone,
};
use crate::people::rules::{AgentRole, Duty, Leave, WorkingHours, check_leaves, check_week};

/// The windows of a week in which an agent works: none overlaps another.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Jsonb)]
#[serde(try_from = "Vec<WorkingHours>")]
pub struct WorkingWeek(Vec<WorkingHours>);

impl TryFrom<Vec<WorkingHours>> for WorkingWeek {
    type Error = String;

    fn try_from(week: Vec<WorkingHours>) -> Result<Self, String> {
        check_week(&week).map(|()| Self(week))
    }
}

impl std::ops::Deref for WorkingWeek {
    type Target = [WorkingHours];

    fn deref(&self) -> &[WorkingHours] {
        &self.0
    }
}

/// When an agent is on leave; each ends after it starts.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Jsonb)]
#[serde(try_from = "Vec<Leave>")]
pub struct Leaves(Vec<Leave>);

impl TryFrom<Vec<Leave>> for Leaves {
    type Error = String;

    fn try_from(leaves: Vec<Leave>) -> Result<Self, String> {
        check_leaves(&leaves).map(|()| Self(leaves))
    }
}

impl std::ops::Deref for Leaves {
    type Target = [Leave];

    fn deref(&self) -> &[Leave] {
        &self.0
    }
}

macro_rules! kept_as_json {
    ($($name:ty),*) => {$(
        impl ToSql<Jsonb, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                let json = serde_json::to_value(self)?;
                <serde_json::Value as ToSql<Jsonb, Pg>>::to_sql(&json, &mut out.reborrow())
            }
        }

        impl FromSql<Jsonb, Pg> for $name {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                let json = <serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?;
                Ok(serde_json::from_value(json)?)
            }
        }
    )*};
}
kept_as_json!(WorkingWeek, Leaves);

/// A person who works at the desk.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = agents, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Agent {
    pub id: AgentId,
    #[schema(example = "L1 agent A")]
    pub name: String,
    /// Unique without regard to case.
    #[schema(example = "l1-a@desk.example")]
    pub email: String,
    pub role: AgentRole,
    /// Granted beside those of the role.
    pub permissions: Vec<Permission>,
    /// The levels whose tickets the agent works.
    pub levels: Vec<Level>,
    #[diesel(skip_insertion, skip_update)]
    #[diesel(select_expression = department_ids())]
    #[diesel(select_expression_type = SqlLiteral<sql_types::Array<sql_types::Uuid>>)]
    pub department_ids: Vec<DepartmentId>,
    /// Assigned tickets of these products only; null: of every one.
    pub product_ids: Option<Vec<ProductId>>,
    /// Assigned tickets of these categories only; null: of every one.
    pub category_ids: Option<Vec<CategoryId>>,
    /// Assigned tickets of these types only; null: of every one.
    #[schema(example = json!(["question", "incident"]))]
    pub type_keys: Option<Vec<String>>,
    pub time_zone: TimeZone,
    /// Null: always on duty.
    pub working_hours: Option<WorkingWeek>,
    /// Open tickets that the agent is assigned at the most.
    #[schema(example = 20)]
    pub capacity: i32,
    /// Not there for a moment; gets no tickets.
    pub away: bool,
    /// On leave until then; null: not on leave.
    pub leave_until: Option<DateTime<Utc>>,
    /// Leaves that are planned; gets no tickets in them.
    pub leaves: Leaves,
    /// Open tickets assigned to the agent now. It changes without the agent's version.
    #[diesel(skip_insertion, skip_update)]
    #[schema(example = 7)]
    pub open_tickets: i32,
    /// An inactive agent cannot call, and gets no tickets.
    pub active: bool,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub(super) fn department_ids() -> SqlLiteral<sql_types::Array<sql_types::Uuid>> {
    sql("array(select d.department_id from agent_departments d where d.agent_id = agents.id \
         order by d.department_id)")
}

impl Agent {
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
}

/// Those of these agents, and of the agents of these departments, who are active.
pub fn active(
    conn: &mut PgConnection,
    ids: &[AgentId],
    departments: &[DepartmentId],
) -> QueryResult<Vec<Agent>> {
    let members = agent_departments::table
        .filter(agent_departments::department_id.eq_any(departments))
        .select(agent_departments::agent_id);
    agents::table
        .filter(agents::active)
        .filter(agents::id.eq_any(ids).or(agents::id.eq_any(members)))
        .order(agents::id)
        .select(Agent::as_select())
        .load(conn)
}

/// Which agents a list holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub department: Option<DepartmentId>,
    pub role: Option<AgentRole>,
    /// Part of the name or the e-mail address.
    pub q: Option<String>,
    pub active: Option<bool>,
    /// Only agents who work in one of these.
    pub within: Option<Vec<DepartmentId>>,
}

pub fn insert(conn: &mut PgConnection, agent: &Agent) -> QueryResult<()> {
    diesel::insert_into(agents::table).values(agent).execute(conn)?;
    insert_departments(conn, agent)
}

/// Is anybody at the desk?
pub fn any(conn: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(exists(agents::table.select(agents::id))).get_result(conn)
}

pub fn find(conn: &mut PgConnection, id: AgentId) -> QueryResult<Option<Agent>> {
    agents::table.find(id).select(Agent::as_select()).first(conn).optional()
}

pub fn by_email(conn: &mut PgConnection, email: &str) -> QueryResult<Option<AgentId>> {
    let found = agents::table.filter(lower(agents::email).eq(lower(email)));
    found.select(agents::id).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: AgentId) -> QueryResult<Option<Agent>> {
    agents::table.find(id).for_no_key_update().select(Agent::as_select()).first(conn).optional()
}

pub fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> QueryResult<Vec<Agent>> {
    let mut query = agents::table.select(Agent::as_select()).into_boxed();
    if let Some(department) = filter.department {
        let membership = agent_departments::table
            .filter(agent_departments::agent_id.eq(agents::id))
            .filter(agent_departments::department_id.eq(department));
        query = query.filter(exists(membership));
    }
    if let Some(within) = &filter.within {
        let members = agent_departments::table
            .filter(agent_departments::department_id.eq_any(within))
            .select(agent_departments::agent_id);
        query = query.filter(agents::id.eq_any(members));
    }
    if let Some(role) = filter.role {
        query = query.filter(agents::role.eq(role));
    }
    if let Some(q) = &filter.q {
        let part = containing(q);
        query = query.filter(agents::name.ilike(part.clone()).or(agents::email.ilike(part)));
    }
    if let Some(active) = filter.active {
        query = query.filter(agents::active.eq(active));
    }
    load_by_name!(conn, query, agents, request)
}

/// Writes every column that can change; the load is kept by the database.
pub fn save(conn: &mut PgConnection, agent: &Agent) -> QueryResult<Agent> {
    diesel::update(agents::table.find(agent.id))
        .set(agent)
        .returning(Agent::as_returning())
        .get_result(conn)
}

/// The agent works in these departments and no others. Call it with the agent locked.
pub fn replace_departments(conn: &mut PgConnection, agent: &Agent) -> QueryResult<()> {
    let of_agent = agent_departments::agent_id.eq(agent.id);
    diesel::delete(agent_departments::table.filter(of_agent)).execute(conn)?;
    insert_departments(conn, agent)
}

fn insert_departments(conn: &mut PgConnection, agent: &Agent) -> QueryResult<()> {
    let row = |id: &DepartmentId| {
        (agent_departments::agent_id.eq(agent.id), agent_departments::department_id.eq(*id))
    };
    let rows: Vec<_> = agent.department_ids.iter().map(row).collect();
    diesel::insert_into(agent_departments::table).values(rows).execute(conn)?;
    Ok(())
}

/// How many of the agent's products, categories and types there are: their lists are arrays, which no foreign key
/// checks.
pub fn count_restrictions(conn: &mut PgConnection, agent: &Agent) -> QueryResult<[usize; 3]> {
    let product_ids = agent.product_ids.as_deref().unwrap_or_default();
    let category_ids = agent.category_ids.as_deref().unwrap_or_default();
    let type_keys = agent.type_keys.as_deref().unwrap_or_default();
    let known_products = products::table.filter(products::id.eq_any(product_ids)).count();
    let known_categories = categories::table.filter(categories::id.eq_any(category_ids)).count();
    let known_types = ticket_types::table.filter(ticket_types::key.eq_any(type_keys)).count();
    let counts = diesel::select((
        known_products.single_value().assume_not_null(),
        known_categories.single_value().assume_not_null(),
        known_types.single_value().assume_not_null(),
    ));
    let (products, categories, types): (i64, i64, i64) = counts.get_result(conn)?;
    Ok([products, categories, types].map(|count| usize::try_from(count).unwrap_or_default()))
}
