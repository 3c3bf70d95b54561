//! Where a component leads: component, product, department, workflow and process in one round trip, because every new
//! ticket is routed.
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Text, Uuid as SqlUuid};

use crate::catalog::Steps;
use crate::db::lower;
use crate::db::schema::{
    components, departments, processes, products, routing_entries, routing_head, workflows,
};
use crate::kernel::{ComponentId, DepartmentId, Level, ProductId, WorkflowId};

/// The department that takes a ticket, and its workflow.
#[derive(Debug, Clone, Queryable)]
pub struct Owner {
    pub department_id: DepartmentId,
    pub department_name: String,
    pub workflow_id: WorkflowId,
    pub workflow_key: String,
    pub workflow_name: String,
    pub workflow_revision: uuid::Uuid,
}

/// A row of the routing table.
#[derive(Debug, Clone, Queryable)]
pub struct Entry {
    pub component_id: ComponentId,
    pub component: String,
    pub product: String,
    pub level: Level,
    pub process: Option<Process>,
}

/// What an external team's tickets go through.
#[derive(Debug, Clone, Queryable)]
pub struct Process {
    pub key: String,
    pub name: String,
    pub steps: Steps,
}

/// How a component is looked for.
#[derive(Debug, Clone)]
pub enum Wanted {
    Id(ComponentId),
    /// By name, in any case; of this product, or of any.
    Name(String, Option<ProductId>),
}

type OwnerColumns = (
    departments::id,
    departments::name,
    workflows::id,
    workflows::key,
    workflows::name,
    workflows::revision,
);
const OWNER: OwnerColumns = (
    departments::id,
    departments::name,
    workflows::id,
    workflows::key,
    workflows::name,
    workflows::revision,
);

/// The workflow of a ticket type, or else of the department. As an expression of its own, so that the statement stays prepared.
#[derive(Debug, Clone, QueryId)]
struct WorkflowOf {
    type_key: String,
}

impl QueryFragment<Pg> for WorkflowOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("coalesce((select t.workflow_id from ticket_types t where t.key = ");
        out.push_bind_param::<Text, _>(&self.type_key)?;
        out.push_sql("), departments.workflow_id)");
        Ok(())
    }
}

impl Expression for WorkflowOf {
    type SqlType = SqlUuid;
}

impl<T> AppearsOnTable<T> for WorkflowOf {}
impl<T> SelectableExpression<T> for WorkflowOf {}
impl ValidGrouping<()> for WorkflowOf {
    type IsAggregate = is_aggregate::No;
}

fn workflow_of(type_key: &str) -> diesel::dsl::Eq<workflows::id, WorkflowOf> {
    workflows::id.eq(WorkflowOf { type_key: type_key.to_owned() })
}

/// The active components that match, two at the most: the second tells that the name is ambiguous. With each the version
/// of the table.
pub fn entries(
    conn: &mut PgConnection,
    wanted: Wanted,
    type_key: &str,
) -> QueryResult<Vec<(Entry, Owner, i32)>> {
    let version = routing_head::table.select(routing_head::version).single_value();
    let process = (processes::key, processes::name, processes::steps).nullable();
    let entry = (components::id, components::name, products::name, components::level, process);
    let mut query = components::table
        .inner_join(products::table)
        .inner_join(departments::table)
        .inner_join(workflows::table.on(workflow_of(type_key)))
        .left_join(processes::table)
        .filter(components::active)
        .order(components::id)
        .limit(2)
        .select((entry, OWNER, version.assume_not_null()))
        .into_boxed();
    query = match wanted {
        Wanted::Id(id) => query.filter(components::id.eq(id)),
        Wanted::Name(name, product) => {
            let named = query.filter(lower(components::name).eq(lower(name)));
            match product {
                Some(product) => named.filter(components::product_id.eq(product)),
                None => named,
            }
        }
    };
    query.load(conn)
}

/// As [`entries`], by what the components said in a version of the table. Departments, workflows and processes are as
/// they are now.
pub fn entries_at(
    conn: &mut PgConnection,
    wanted: Wanted,
    type_key: &str,
    version: i32,
) -> QueryResult<Vec<(Entry, Owner)>> {
    use routing_entries as e;
    let process = (processes::key, processes::name, processes::steps).nullable();
    let mut query = e::table
        .inner_join(products::table)
        .inner_join(departments::table)
        .inner_join(workflows::table.on(workflow_of(type_key)))
        .left_join(processes::table)
        .filter(e::active)
        .filter(e::from_version.le(version))
        .filter(e::until_version.is_null().or(e::until_version.gt(version).assume_not_null()))
        .order(e::component_id)
        .limit(2)
        .select(((e::component_id, e::name, products::name, e::level, process), OWNER))
        .into_boxed();
    query = match wanted {
        Wanted::Id(id) => query.filter(e::component_id.eq(id)),
        Wanted::Name(name, product) => {
            let named = query.filter(lower(e::name).eq(lower(name)));
            match product {
                Some(product) => named.filter(e::product_id.eq(product)),
                None => named,
            }
        }
    };
    query.load(conn)
}

/// Who takes the tickets that no component routes, and the version of the table.
pub fn default_owner(conn: &mut PgConnection, type_key: &str) -> QueryResult<Option<(Owner, i32)>> {
    let version = routing_head::table.select(routing_head::version).single_value();
    departments::table
        .inner_join(workflows::table.on(workflow_of(type_key)))
        .filter(departments::is_default)
        .select((OWNER, version.assume_not_null()))
        .first(conn)
        .optional()
}
