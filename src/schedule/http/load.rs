//! What each agent has to do, and when they are there.
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, now};
use crate::kernel::{
    AgentId, AppError, DepartmentId, Level, Page, PageRequest, Permission, Priority, rfc3339,
};
use crate::schedule::service::{self, Load};
use crate::schedule::store::Share;
use crate::workflow::Category;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LoadQuery {
    /// Only agents of this department.
    department: Option<DepartmentId>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter.
    cursor: Option<String>,
}

/// What an agent has to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentLoad {
    agent_id: AgentId,
    #[schema(example = "L1 agent A")]
    name: String,
    department_ids: Vec<DepartmentId>,
    levels: Vec<Level>,
    /// Open tickets.
    #[schema(example = 7)]
    open: i64,
    #[schema(example = 20)]
    capacity: i32,
    /// Tickets that the agent can still be given.
    #[schema(example = 13)]
    free: i64,
    by_category: ByCategory,
    by_priority: ByPriority,
    /// In their working hours, neither away nor on leave.
    on_duty: bool,
    /// Until when they are there; null: not there, or no end in sight.
    #[serde(serialize_with = "rfc3339::option")]
    on_duty_until: Option<DateTime<Utc>>,
    /// When they are there again; null: they are, or nobody knows.
    #[serde(serialize_with = "rfc3339::option")]
    next_on_duty: Option<DateTime<Utc>>,
    /// An appointment has begun.
    in_appointment: bool,
    /// The present or the next one.
    appointment: Option<NextAppointment>,
}

/// Open tickets by the category of their status.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ByCategory {
    #[schema(example = 1)]
    new: i64,
    #[schema(example = 4)]
    open: i64,
    #[schema(example = 2)]
    pending: i64,
    #[schema(example = 0)]
    on_hold: i64,
}

/// Open tickets by priority.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ByPriority {
    #[schema(example = 0)]
    critical: i64,
    #[schema(example = 2)]
    high: i64,
    #[schema(example = 4)]
    normal: i64,
    #[schema(example = 1)]
    low: i64,
}

/// When an agent is busy.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextAppointment {
    #[serde(serialize_with = "rfc3339::serialize")]
    starts_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    ends_at: DateTime<Utc>,
}

impl AgentLoad {
    fn new(load: Load, now: DateTime<Utc>) -> Self {
        let Load { agent, shares, appointment } = load;
        let open: i64 = shares.iter().map(|(.., count)| count).sum();
        let duty = agent.duty();
        let (on_duty, changes_at) = (duty.on_duty(now), duty.changes_at(now));
        let (by_category, by_priority) = counted(&shares);
        Self {
            by_category,
            by_priority,
            open,
            free: (i64::from(agent.capacity) - open).max(0),
            on_duty,
            on_duty_until: changes_at.filter(|_| on_duty),
            next_on_duty: changes_at.filter(|_| !on_duty),
            in_appointment: appointment.as_ref().is_some_and(|next| next.starts_at <= now),
            appointment: appointment
                .map(|next| NextAppointment { starts_at: next.starts_at, ends_at: next.ends_at }),
            agent_id: agent.id,
            name: agent.name,
            department_ids: agent.department_ids,
            levels: agent.levels,
            capacity: agent.capacity,
        }
    }
}

fn counted(shares: &[Share]) -> (ByCategory, ByPriority) {
    let (mut by_category, mut by_priority) = (ByCategory::default(), ByPriority::default());
    for (_, category, priority, count) in shares {
        match category {
            Category::New => by_category.new += count,
            Category::Open => by_category.open += count,
            Category::Pending => by_category.pending += count,
            Category::OnHold => by_category.on_hold += count,
            Category::Draft | Category::Closed => {}
        }
        match priority {
            Priority::Critical => by_priority.critical += count,
            Priority::High => by_priority.high += count,
            Priority::Normal => by_priority.normal += count,
            Priority::Low => by_priority.low += count,
        }
    }
    (by_category, by_priority)
}

/// List what each agent has to do, by name
///
/// Open tickets by category and priority, how many more the agent can be given, and when they are there. You see the agents
/// with whom you share a department.
#[utoipa::path(
    tag = "assignment",
    params(LoadQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of agents", body = Page<AgentLoad>)),
)]
#[get("/assignment/load")]
pub async fn list_agent_loads(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<LoadQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let department = query.department;
    let binding = format!("load {department:?}");
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let now = now();
    let loads = db.read(move |conn| service::load(conn, &caller, department, &page, now)).await?;
    Answer::page(&loads.map(|load| AgentLoad::new(load, now)))
}
