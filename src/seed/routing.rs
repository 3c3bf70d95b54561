//! The routing table that a new desk starts with: `routing.json` holds departments, processes and components.
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::db::schema::{components, departments, processes, products};
use crate::kernel::{AppError, ComponentId, DepartmentId, Level, ProductId, WorkflowId};

#[derive(Deserialize)]
struct Table {
    product: String,
    /// The first is the default one.
    departments: Vec<String>,
    processes: Vec<Process>,
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Process {
    key: String,
    name: String,
    steps: Value,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    covers: String,
    level: Level,
    department: String,
    process: Option<String>,
}

/// Creates the product with its components, the departments that own them, and the processes of the external ones.
pub fn load(conn: &mut PgConnection, workflow: WorkflowId) -> Result<(), AppError> {
    let table: Table =
        serde_json::from_str(include_str!("routing.json")).map_err(AppError::internal)?;
    let product = ProductId::new();
    diesel::insert_into(products::table)
        .values((products::id.eq(product), products::name.eq(&table.product)))
        .execute(conn)?;
    let departments = insert_departments(conn, workflow, &table.departments)?;
    let rows = table.processes.into_iter().map(|process| {
        (
            processes::key.eq(process.key),
            processes::name.eq(process.name),
            processes::steps.eq(process.steps),
        )
    });
    diesel::insert_into(processes::table).values(rows.collect::<Vec<_>>()).execute(conn)?;
    let rows: Result<Vec<_>, AppError> = table
        .components
        .into_iter()
        .map(|component| {
            let owner = departments.iter().find(|(name, _)| *name == component.department);
            let (_, department) = owner.ok_or(AppError::NotFound("a component's department"))?;
            Ok((
                components::id.eq(ComponentId::new()),
                components::product_id.eq(product),
                components::name.eq(component.name),
                components::covers.eq(component.covers),
                components::level.eq(component.level),
                components::department_id.eq(*department),
                components::process.eq(component.process),
            ))
        })
        .collect();
    diesel::insert_into(components::table).values(rows?).execute(conn)?;
    Ok(())
}

fn insert_departments(
    conn: &mut PgConnection,
    workflow: WorkflowId,
    names: &[String],
) -> QueryResult<Vec<(String, DepartmentId)>> {
    let made: Vec<(String, DepartmentId)> =
        names.iter().map(|name| (name.clone(), DepartmentId::new())).collect();
    let rows = made.iter().enumerate().map(|(index, (name, id))| {
        (
            departments::id.eq(*id),
            departments::name.eq(name),
            departments::workflow_id.eq(workflow),
            departments::is_default.eq(index == 0),
        )
    });
    diesel::insert_into(departments::table).values(rows.collect::<Vec<_>>()).execute(conn)?;
    Ok(made)
}
