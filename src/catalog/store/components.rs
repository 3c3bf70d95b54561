//! Components of products.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;

use crate::db::schema::components;
use crate::db::{containing, load_by_name};
use crate::kernel::{ComponentId, DepartmentId, Level, PageRequest, ProductId};

/// A part of a product. A ticket's component decides the support level and the department that own it.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = components, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Component {
    pub id: ComponentId,
    pub product_id: ProductId,
    /// Unique within the product, without regard to case.
    pub name: String,
    /// What it is about.
    pub covers: String,
    pub level: Level,
    pub department_id: DepartmentId,
    /// The key of the external process that its tickets follow; null unless the level is external.
    pub process: Option<String>,
    /// No tickets are opened for an inactive component.
    pub active: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Component {
    /// True when tickets would be led elsewhere by the one than by the other.
    pub fn routes_as(&self, other: &Self) -> bool {
        let route = |c: &Self| (c.product_id, c.level, c.department_id, c.active);
        route(self) == route(other) && self.name == other.name && self.process == other.process
    }
}

/// Which components a list holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub product: Option<ProductId>,
    pub level: Option<Level>,
    /// Part of the name or of what it covers.
    pub q: Option<String>,
    pub active: Option<bool>,
}

pub fn insert(conn: &mut PgConnection, component: &Component) -> QueryResult<Component> {
    diesel::insert_into(components::table)
        .values(component)
        .returning(Component::as_returning())
        .get_result(conn)
}

pub fn insert_all(conn: &mut PgConnection, new: &[Component]) -> QueryResult<usize> {
    diesel::insert_into(components::table).values(new).execute(conn)
}

/// Locked in the order of their ids.
pub fn lock_all(conn: &mut PgConnection, ids: &[ComponentId]) -> QueryResult<Vec<Component>> {
    let rows = components::table.filter(components::id.eq_any(ids)).order(components::id);
    rows.for_no_key_update().select(Component::as_select()).load(conn)
}

pub fn find(conn: &mut PgConnection, id: ComponentId) -> QueryResult<Option<Component>> {
    components::table.find(id).select(Component::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: ComponentId) -> QueryResult<Option<Component>> {
    components::table
        .find(id)
        .for_no_key_update()
        .select(Component::as_select())
        .first(conn)
        .optional()
}

pub fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> QueryResult<Vec<Component>> {
    let mut query = components::table.select(Component::as_select()).into_boxed();
    if let Some(product) = filter.product {
        query = query.filter(components::product_id.eq(product));
    }
    if let Some(level) = filter.level {
        query = query.filter(components::level.eq(level));
    }
    if let Some(q) = &filter.q {
        let part = containing(q);
        query =
            query.filter(components::name.ilike(part.clone()).or(components::covers.ilike(part)));
    }
    if let Some(active) = filter.active {
        query = query.filter(components::active.eq(active));
    }
    load_by_name!(conn, query, components, request)
}

/// Writes every column that can change.
pub fn save(conn: &mut PgConnection, component: &Component) -> QueryResult<Component> {
    diesel::update(components::table.find(component.id))
        .set(component)
        .returning(Component::as_returning())
        .get_result(conn)
}
