//! Components. What one says about routing is a row of the routing table, whose versions are kept.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::named;
use crate::catalog::store::components::{self as store, Component, Filter};
use crate::catalog::store::routes;
use crate::events;
use crate::http::{IfMatch, set};
use crate::kernel::{Actor, AppError, ComponentId, DepartmentId, Level, Page, PageRequest};

const MISSING: AppError = AppError::NotFound("the component");

fn subject(id: ComponentId) -> String {
    format!("component/{id}")
}

/// Fails with `name_taken`, on an unknown product, department or process, on a level that no component can have, and on
/// a process without the external level.
pub fn create_component(
    conn: &mut PgConnection,
    actor: &Actor,
    component: &Component,
    now: DateTime<Utc>,
) -> Result<Component, AppError> {
    check_level(component)?;
    let component = store::insert(conn, component).map_err(named)?;
    events::resource_created(conn, actor, subject(component.id), &component, now)?;
    routes::insert_version(conn, actor, std::slice::from_ref(&component), now)?;
    Ok(component)
}

/// As [`create_component`], many at a time: one version of the routing table.
pub fn create_components(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &[Component],
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    new.iter().try_for_each(check_level)?;
    store::insert_all(conn, new).map_err(named)?;
    let created = new.iter().map(|component| (subject(component.id), component));
    events::resources_created(conn, actor, created, now)?;
    routes::insert_version(conn, actor, new, now)?;
    Ok(())
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
    let Some(after) = save_changed(conn, actor, &before, after, now)? else { return Ok(before) };
    if !after.routes_as(&before) {
        routes::insert_version(conn, actor, std::slice::from_ref(&after), now)?;
    }
    Ok(after)
}

/// Where a component shall lead; what is `None` stays.
#[derive(Debug, Clone)]
pub struct RouteChange {
    pub component_id: ComponentId,
    pub level: Option<Level>,
    pub department_id: Option<DepartmentId>,
    pub process: Option<Option<String>>,
    pub active: Option<bool>,
}

/// Changes where components lead, all of them or none, as one version of the routing table. `seen` is the version that
/// the client saw. A row that is wrong is named by its place. Returns the version that this made; `None` when nothing leads
/// elsewhere.
pub fn change_routes(
    conn: &mut PgConnection,
    actor: &Actor,
    seen: IfMatch,
    changes: Vec<RouteChange>,
    now: DateTime<Utc>,
) -> Result<Option<i32>, AppError> {
    let ids: Vec<ComponentId> = changes.iter().map(|change| change.component_id).collect();
    let mut locked: HashMap<ComponentId, Component> =
        store::lock_all(conn, &ids)?.into_iter().map(|row| (row.id, row)).collect();
    seen.check(routes::lock_head(conn)?)?;
    let mut led_elsewhere = Vec::new();
    for (row, change) in changes.into_iter().enumerate() {
        let missing = || AppError::field("/component_id", "it is no component, or named twice");
        let before = locked.remove(&change.component_id).ok_or_else(missing);
        let changed = before.and_then(|before| {
            let after = led(before.clone(), change);
            let elsewhere = !after.routes_as(&before);
            Ok(save_changed(conn, actor, &before, after, now)?.filter(|_| elsewhere))
        });
        led_elsewhere.extend(changed.map_err(|error| in_row(error, row))?);
    }
    if led_elsewhere.is_empty() {
        return Ok(None);
    }
    Ok(Some(routes::insert_version(conn, actor, &led_elsewhere, now)?))
}

fn led(mut component: Component, change: RouteChange) -> Component {
    set(&mut component.level, change.level);
    set(&mut component.department_id, change.department_id);
    set(&mut component.process, change.process);
    set(&mut component.active, change.active);
    component
}

fn in_row(error: AppError, row: usize) -> AppError {
    let AppError::Invalid(mut errors) = error else { return error };
    for error in &mut errors {
        error.pointer.insert_str(0, &format!("/components/{row}"));
    }
    AppError::Invalid(errors)
}

/// Writes and tells what changed; `None` when nothing did.
fn save_changed(
    conn: &mut PgConnection,
    actor: &Actor,
    before: &Component,
    mut after: Component,
    now: DateTime<Utc>,
) -> Result<Option<Component>, AppError> {
    let changes = events::diff(before, &after);
    if changes.is_empty() {
        return Ok(None);
    }
    check_level(&after)?;
    (after.version, after.updated_at) = (before.version + 1, now);
    let after = store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(after.id), changes, now)?;
    Ok(Some(after))
}

fn check_level(component: &Component) -> Result<(), AppError> {
    if component.level == Level::ThirdLine {
        return Err(AppError::field("/level", "the third line is reached by elevation only"));
    }
    if component.process.is_some() && component.level != Level::External {
        return Err(AppError::field("/process", "only an external component has a process"));
    }
    Ok(())
}
