//! Components.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::named;
use crate::catalog::store::components::{self as store, Component, Filter};
use crate::events;
use crate::kernel::{Actor, AppError, ComponentId, Level, Page, PageRequest};

const MISSING: AppError = AppError::NotFound("the component");

fn subject(id: ComponentId) -> String {
    format!("component/{id}")
}

/// Fails with `name_taken`, on an unknown product, department or process, and on a process without the external level.
pub fn create_component(
    conn: &mut PgConnection,
    actor: &Actor,
    component: &Component,
    now: DateTime<Utc>,
) -> Result<Component, AppError> {
    check_process(component)?;
    let component = store::insert(conn, component).map_err(named)?;
    events::resource_created(conn, actor, subject(component.id), &component, now)?;
    Ok(component)
}

pub fn get_component(conn: &mut PgConnection, id: ComponentId) -> Result<Component, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

pub fn list_components(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Component>, AppError> {
    let rows = store::list(conn, filter, request)?;
    Ok(request.page(rows, |component| (json!(component.name), component.id.0)))
}

/// Changes a component under lock; `change` gets the present state. What changes nothing makes no new version.
pub fn change_component(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ComponentId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Component) -> Result<(), AppError>,
) -> Result<Component, AppError> {
    let before = store::lock(conn, id)?.ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    check_process(&after)?;
    (after.version, after.updated_at) = (before.version + 1, now);
    let after = store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}

fn check_process(component: &Component) -> Result<(), AppError> {
    if component.process.is_some() && component.level != Level::External {
        return Err(AppError::field("/process", "only an external component has a process"));
    }
    Ok(())
}
