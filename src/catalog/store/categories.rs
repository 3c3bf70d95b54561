//! Categories.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::Named;
use crate::db::schema::categories;
use crate::db::{containing, load_by_name};
use crate::kernel::{CategoryId, PageRequest};

/// What a ticket is about when no product fits.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = categories, check_for_backend(Pg))]
pub struct Category {
    pub id: CategoryId,
    #[schema(example = "General")]
    pub name: String,
    /// No tickets are opened with an inactive category.
    pub active: bool,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub fn insert(conn: &mut PgConnection, category: &Category) -> QueryResult<Category> {
    diesel::insert_into(categories::table)
        .values(category)
        .returning(Category::as_returning())
        .get_result(conn)
}

pub fn find(conn: &mut PgConnection, id: CategoryId) -> QueryResult<Option<Category>> {
    categories::table.find(id).select(Category::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: CategoryId) -> QueryResult<Option<Category>> {
    categories::table
        .find(id)
        .for_no_key_update()
        .select(Category::as_select())
        .first(conn)
        .optional()
}

pub fn list(
    conn: &mut PgConnection,
    filter: &Named,
    request: &PageRequest,
) -> QueryResult<Vec<Category>> {
    let mut query = categories::table.select(Category::as_select()).into_boxed();
    if let Some(q) = &filter.q {
        query = query.filter(categories::name.ilike(containing(q)));
    }
    if let Some(active) = filter.active {
        query = query.filter(categories::active.eq(active));
    }
    load_by_name!(conn, query, categories, request)
}

/// Writes every column that can change.
pub fn save(conn: &mut PgConnection, category: &Category) -> QueryResult<Category> {
    diesel::update(categories::table.find(category.id))
        .set(category)
        .returning(Category::as_returning())
        .get_result(conn)
}
