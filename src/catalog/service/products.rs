//! Products.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::named;
use crate::catalog::store::Named;
use crate::catalog::store::products::{self as store, Product};
use crate::events;
use crate::kernel::{Actor, AppError, Page, PageRequest, ProductId};

const MISSING: AppError = AppError::NotFound("the product");

fn subject(id: ProductId) -> String {
    format!("product/{id}")
}

/// Fails with `name_taken`.
pub fn create_product(
    conn: &mut PgConnection,
    actor: &Actor,
    product: &Product,
    now: DateTime<Utc>,
) -> Result<Product, AppError> {
    let product = store::insert(conn, product).map_err(named)?;
    events::resource_created(conn, actor, subject(product.id), &product, now)?;
    Ok(product)
}

pub fn get_product(conn: &mut PgConnection, id: ProductId) -> Result<Product, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

pub fn list_products(
    conn: &mut PgConnection,
    filter: &Named,
    request: &PageRequest,
) -> Result<Page<Product>, AppError> {
    let rows = store::list(conn, filter, request)?;
    Ok(request.page(rows, |product| (json!(product.name), product.id.0)))
}

/// Changes a product under lock; `change` gets the present state. What changes nothing makes no new version.
pub fn change_product(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ProductId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Product) -> Result<(), AppError>,
) -> Result<Product, AppError> {
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

/// Many at a time, as a directory import brings them. Fails with `name_taken`.
pub fn create_products(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &[Product],
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::insert_all(conn, new).map_err(named)?;
    let created = new.iter().map(|product| (subject(product.id), product));
    events::resources_created(conn, actor, created, now)
}

/// Changes products under lock; `change` gets the present state of each. What changes nothing makes no new version. Returns
/// how many changed.
pub fn change_products(
    conn: &mut PgConnection,
    actor: &Actor,
    ids: &[ProductId],
    now: DateTime<Utc>,
    change: impl Fn(&mut Product),
) -> Result<usize, AppError> {
    let mut changed = Vec::new();
    let mut told = Vec::new();
    for before in store::lock_all(conn, ids)? {
        let mut after = before.clone();
        change(&mut after);
        let changes = events::diff(&before, &after);
        if !changes.is_empty() {
            (after.version, after.updated_at) = (before.version + 1, now);
            told.push((subject(after.id), changes));
            changed.push(after);
        }
    }
    store::rename_all(conn, &changed).map_err(named)?;
    events::resources_changed(conn, actor, told, now)?;
    Ok(changed.len())
}
