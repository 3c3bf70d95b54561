//! Departments.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::named;
use crate::events;
use crate::kernel::{Actor, AppError, DepartmentId, Page, PageRequest};
use crate::people::store::departments::{self as store, Department};

const MISSING: AppError = AppError::NotFound("the department");

fn subject(id: DepartmentId) -> String {
    format!("department/{id}")
}

/// Fails with `name_taken`, and on an unknown workflow. A new department is not the default: a change moves that.
pub fn create_department(
    conn: &mut PgConnection,
    actor: &Actor,
    department: &Department,
    now: DateTime<Utc>,
) -> Result<Department, AppError> {
    let department = store::insert(conn, department).map_err(named)?;
    events::resource_created(conn, actor, subject(department.id), &department, now)?;
    Ok(department)
}

pub fn get_department(conn: &mut PgConnection, id: DepartmentId) -> Result<Department, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

pub fn list_departments(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<Department>, AppError> {
    let rows = store::list(conn, request)?;
    Ok(request.page(rows, |department| (json!(department.name), department.id.0)))
}

/// Changes a department under lock; `change` gets the present state. What changes nothing makes no new version. Fails
/// with `default_department` when the desk would be left without an active default.
pub fn change_department(
    conn: &mut PgConnection,
    actor: &Actor,
    id: DepartmentId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Department) -> Result<(), AppError>,
) -> Result<Department, AppError> {
    let departments = store::lock_all(conn)?;
    let before = departments.iter().find(|department| department.id == id).ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    if before.is_default && !after.is_default {
        let detail = "make another department the default instead";
        return Err(AppError::rule("default_department", detail));
    }
    if after.is_default && !after.active {
        return Err(AppError::rule("default_department", "the default department must be active"));
    }
    let previous = departments.iter().find(|other| other.is_default && other.id != id);
    if let Some(previous) = previous.filter(|_| after.is_default) {
        let ousted = Department { is_default: false, ..previous.clone() };
        save(conn, actor, previous, ousted, now)?;
    }
    save(conn, actor, before, after, now)
}

fn save(
    conn: &mut PgConnection,
    actor: &Actor,
    before: &Department,
    mut after: Department,
    now: DateTime<Utc>,
) -> Result<Department, AppError> {
    let changes = events::diff(before, &after);
    if changes.is_empty() {
        return Ok(after);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    let after = store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(after.id), changes, now)?;
    Ok(after)
}
