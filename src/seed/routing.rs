//! The routing table that a new desk starts with: `routing.json` holds processes and components.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Deserialize;

use super::people::Desk;
use crate::catalog::{self, Component, Process, ProcessStep, Steps};
use crate::kernel::{Actor, AppError, ComponentId, Level};

/// The component of the specification's examples.
const EXAMPLE: &str = "Report Writer";

#[derive(Deserialize)]
struct Table {
    processes: Vec<Steplist>,
    components: Vec<Row>,
}

#[derive(Deserialize)]
struct Steplist {
    key: String,
    name: String,
    steps: Vec<ProcessStep>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    covers: String,
    level: Level,
    process: Option<String>,
}

/// Creates the processes of the external teams, and the components of the desk's product.
pub fn load(conn: &mut PgConnection, desk: &Desk, now: DateTime<Utc>) -> Result<(), AppError> {
    let table: Table =
        serde_json::from_str(include_str!("routing.json")).map_err(AppError::internal)?;
    for Steplist { key, name, steps } in table.processes {
        let process = Process { key, name, steps: Steps(steps), version: 1, updated_at: now };
        catalog::create_process(conn, &Actor::system(), &process, now)?;
    }
    let component = |row: Row| {
        let department_id = match row.process.as_deref() {
            Some("account_manager") => desk.account_management,
            Some("business_unit") => desk.business_unit,
            _ => desk.support,
        };
        let id = if row.name == EXAMPLE { ComponentId::EXAMPLE } else { ComponentId::new() };
        Component {
            id,
            product_id: desk.product,
            name: row.name,
            covers: row.covers,
            level: row.level,
            department_id,
            process: row.process,
            active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    };
    let components: Vec<Component> = table.components.into_iter().map(component).collect();
    catalog::create_components(conn, &Actor::system(), &components, now)
}
