//! Categories.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::named;
use crate::catalog::store::Named;
use crate::catalog::store::categories::{self as store, Category};
use crate::events;
use crate::kernel::{Actor, AppError, CategoryId, Page, PageRequest};

const MISSING: AppError = AppError::NotFound("the category");

fn subject(id: CategoryId) -> String {
    format!("category/{id}")
}

/// Fails with `name_taken`.
pub fn create_category(
    conn: &mut PgConnection,
    actor: &Actor,
    category: &Category,
    now: DateTime<Utc>,
) -> Result<Category, AppError> {
    let category = store::insert(conn, category).map_err(named)?;
    events::resource_created(conn, actor, subject(category.id), &category, now)?;
    Ok(category)
}

pub fn get_category(conn: &mut PgConnection, id: CategoryId) -> Result<Category, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

pub fn list_categories(
    conn: &mut PgConnection,
    filter: &Named,
    request: &PageRequest,
) -> Result<Page<Category>, AppError> {
    let rows = store::list(conn, filter, request)?;
    Ok(request.page(rows, |category| (json!(category.name), category.id.0)))
}

/// Changes a category under lock; `change` gets the present state. What changes nothing makes no new version.
pub fn change_category(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CategoryId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Category) -> Result<(), AppError>,
) -> Result<Category, AppError> {
    let before = store::lock(conn, id)?.ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    let after = store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}
