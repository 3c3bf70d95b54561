//! What clients say about an agent.
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{nullable, set};
use crate::kernel::{AgentId, CategoryId, DepartmentId, Level, Permission, ProductId, TimeZone};
use crate::people::{Agent, AgentRole, Leaves, WorkingWeek};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "L1 agent C")]
    name: String,
    /// Unique without regard to case.
    #[garde(email, length(max = 254))]
    #[schema(example = "l1-c@desk.example")]
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
    /// A new agent, there and without tickets.
    pub fn agent(self, now: DateTime<Utc>) -> Agent {
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
            leaves: Leaves::default(),
            open_tickets: 0,
            active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
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
    /// All planned leaves: those that are not given are cancelled.
    #[garde(skip)]
    leaves: Option<Leaves>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
}

impl AgentChange {
    pub fn apply(self, agent: &mut Agent) {
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
        set(&mut agent.leaves, self.leaves);
        set(&mut agent.active, self.active);
    }
}
