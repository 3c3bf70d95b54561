//! Products.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types;
use serde::Serialize;
use utoipa::ToSchema;

use super::Named;
use crate::db::schema::products;
use crate::db::{containing, load_by_name};
use crate::kernel::{PageRequest, ProductId};

/// A product that accounts have.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = products, check_for_backend(Pg))]
pub struct Product {
    pub id: ProductId,
    #[schema(example = "CoreTrac")]
    pub name: String,
    /// No tickets are opened for an inactive product.
    pub active: bool,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub fn insert(conn: &mut PgConnection, product: &Product) -> QueryResult<Product> {
    diesel::insert_into(products::table)
        .values(product)
        .returning(Product::as_returning())
        .get_result(conn)
}

pub fn insert_all(conn: &mut PgConnection, new: &[Product]) -> QueryResult<usize> {
    diesel::insert_into(products::table).values(new).execute(conn)
}

pub fn find(conn: &mut PgConnection, id: ProductId) -> QueryResult<Option<Product>> {
    products::table.find(id).select(Product::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: ProductId) -> QueryResult<Option<Product>> {
    products::table.find(id).for_no_key_update().select(Product::as_select()).first(conn).optional()
}

/// Locked in the order of their ids.
pub fn lock_all(conn: &mut PgConnection, ids: &[ProductId]) -> QueryResult<Vec<Product>> {
    let rows = products::table.filter(products::id.eq_any(ids)).order(products::id);
    rows.for_no_key_update().select(Product::as_select()).load(conn)
}

/// Writes name, version and time of locked products in one statement.
pub fn rename_all(conn: &mut PgConnection, changed: &[Product]) -> QueryResult<usize> {
    let ids: Vec<ProductId> = changed.iter().map(|product| product.id).collect();
    let names: Vec<&str> = changed.iter().map(|product| product.name.as_str()).collect();
    let times: Vec<DateTime<Utc>> = changed.iter().map(|product| product.updated_at).collect();
    diesel::sql_query(
        "update products p set name = n.name, version = p.version + 1, updated_at = n.updated_at
           from unnest($1, $2, $3) as n(id, name, updated_at) where p.id = n.id",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(ids)
    .bind::<sql_types::Array<sql_types::Text>, _>(names)
    .bind::<sql_types::Array<sql_types::Timestamptz>, _>(times)
    .execute(conn)
}

pub fn list(
    conn: &mut PgConnection,
    filter: &Named,
    request: &PageRequest,
) -> QueryResult<Vec<Product>> {
    let mut query = products::table.select(Product::as_select()).into_boxed();
    if let Some(q) = &filter.q {
        query = query.filter(products::name.ilike(containing(q)));
    }
    if let Some(active) = filter.active {
        query = query.filter(products::active.eq(active));
    }
    load_by_name!(conn, query, products, request)
}

/// Writes every column that can change.
pub fn save(conn: &mut PgConnection, product: &Product) -> QueryResult<Product> {
    diesel::update(products::table.find(product.id))
        .set(product)
        .returning(Product::as_returning())
        .get_result(conn)
}
