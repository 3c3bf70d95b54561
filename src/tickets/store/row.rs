//! The rows of `tickets`.
use chrono::{DateTime, Utc};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::sql::OutlookOf;
use crate::db::schema::tickets;
use crate::kernel::{
    AccountId, AgentId, CategoryId, ComponentId, ContactId, DepartmentId, Level, Priority,
    ProductId, Role, SlaPolicyId, TicketId, WorkflowId,
};
use crate::tickets::rules::{SlaStanding, Source};
use crate::workflow::Category;

/// A ticket without its long texts: what a list shows. As JSON it holds the fields that a change can touch.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = tickets, check_for_backend(diesel::pg::Pg))]
pub struct Summary {
    #[serde(skip)]
    pub id: TicketId,
    #[serde(skip)]
    pub number: i64,
    #[serde(skip)]
    pub workflow_id: WorkflowId,
    pub status: String,
    #[serde(skip)]
    pub category: Category,
    pub subject: String,
    pub url: Option<String>,
    pub priority: Priority,
    /// Somebody chose the priority: triage keeps it.
    pub priority_manual: bool,
    pub severity: Option<i16>,
    pub impact: Option<i16>,
    #[serde(rename = "type")]
    pub type_key: String,
    pub account_id: Option<AccountId>,
    pub contact_id: Option<ContactId>,
    pub product_id: Option<ProductId>,
    pub category_id: Option<CategoryId>,
    pub component_id: Option<ComponentId>,
    pub department_id: DepartmentId,
    pub level: Level,
    pub assignee_id: Option<AgentId>,
    /// Who handed it over, while nobody has it since.
    #[serde(skip)]
    pub handed_over_by: Option<AgentId>,
    pub deadline: Option<DateTime<Utc>>,
    /// By which policy it is measured, whatever that one's conditions say.
    pub sla_policy_id: Option<SlaPolicyId>,
    /// As its clocks said last.
    #[serde(skip)]
    #[diesel(select_expression = OutlookOf, select_expression_type = OutlookOf)]
    pub outlook: Option<Outlook>,
    #[serde(skip)]
    pub source: Source,
    #[serde(skip)]
    pub external_id: Option<String>,
    pub tags: Vec<String>,
    #[serde(skip)]
    pub opened_by: Uuid,
    #[serde(skip)]
    pub opened_by_role: Role,
    pub vendor_reference: Option<String>,
    pub merged_into: Option<TicketId>,
    /// The version of the routing table that led it to its level and department.
    pub routing_version: Option<i32>,
    /// How many tickets were merged into this one.
    #[serde(skip)]
    pub merged_count: i32,
    #[serde(skip)]
    pub note_count: i32,
    #[serde(skip)]
    pub reopen_count: i32,
    #[serde(skip)]
    pub submitted_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub closed_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub automatic_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub version: i32,
    #[serde(skip)]
    pub created_at: DateTime<Utc>,
    #[serde(skip)]
    pub updated_at: DateTime<Utc>,
}

/// How a ticket stands to what was promised.
#[derive(Debug, Clone, PartialEq, Deserialize, FromSqlRow)]
pub struct Outlook {
    pub standing: SlaStanding,
    /// The clock that is due next.
    pub metric: Option<String>,
    pub due_at: Option<DateTime<Utc>>,
}

impl FromSql<Jsonb, Pg> for Outlook {
    fn from_sql(bytes: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(serde_json::from_value(<Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?)?)
    }
}

/// How long the customer has said nothing while the workflow waits for them; empty while it does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tickets, check_for_backend(diesel::pg::Pg))]
pub struct Silence {
    /// The last public note, or when the status was reached.
    #[diesel(column_name = silent_since)]
    pub since: Option<DateTime<Utc>>,
    pub reminded_at: Option<DateTime<Utc>>,
    /// When it is to be looked at.
    #[diesel(column_name = silence_due_at)]
    pub due_at: Option<DateTime<Utc>>,
}

/// A whole ticket; its summary's fields read as its own.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = tickets, check_for_backend(diesel::pg::Pg))]
pub struct Ticket {
    #[diesel(embed)]
    #[serde(flatten)]
    pub summary: Summary,
    pub description: String,
    pub resolution: Option<String>,
    #[diesel(embed)]
    #[serde(skip)]
    pub silence: Silence,
}

impl std::ops::Deref for Ticket {
    type Target = Summary;

    fn deref(&self) -> &Summary {
        &self.summary
    }
}

impl std::ops::DerefMut for Ticket {
    fn deref_mut(&mut self) -> &mut Summary {
        &mut self.summary
    }
}

/// A row together with the revision of its workflow, by which the workflow is found in memory.
#[derive(Debug, Clone, Queryable)]
pub struct Located<T> {
    pub row: T,
    pub revision: Uuid,
}
