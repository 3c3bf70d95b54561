//! Queries of the macros.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::rules::Action;
use crate::db::schema::macros;
use crate::db::{containing, load_by_name};
use crate::kernel::{MacroId, PageRequest};

/// A named list of actions.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = macros, check_for_backend(Pg))]
pub struct Macro {
    pub id: MacroId,
    #[schema(example = "Close ticket and Survey")]
    pub name: String,
    #[schema(
        example = "Closes the ticket with your resolution, and asks the customer how satisfied they are."
    )]
    pub description: String,
    /// Done in this order.
    #[schema(value_type = Vec<Action>)]
    pub actions: Value,
    /// An inactive macro is not applied.
    pub active: bool,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub fn insert(conn: &mut PgConnection, new: &Macro) -> QueryResult<usize> {
    diesel::insert_into(macros::table).values(new).execute(conn)
}

pub fn find(conn: &mut PgConnection, id: MacroId) -> QueryResult<Option<Macro>> {
    macros::table.find(id).select(Macro::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: MacroId) -> QueryResult<Option<Macro>> {
    macros::table.find(id).for_no_key_update().select(Macro::as_select()).first(conn).optional()
}

/// Which macros a list holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the name.
    pub q: Option<String>,
    pub active: Option<bool>,
}

/// A page by name.
pub fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> QueryResult<Vec<Macro>> {
    let mut query = macros::table.select(Macro::as_select()).into_boxed();
    if let Some(q) = &filter.q {
        query = query.filter(macros::name.ilike(containing(q)));
    }
    if let Some(active) = filter.active {
        query = query.filter(macros::active.eq(active));
    }
    load_by_name!(conn, query, macros, request)
}

pub fn save(conn: &mut PgConnection, changed: &Macro) -> QueryResult<usize> {
    diesel::update(macros::table.find(changed.id)).set(changed).execute(conn)
}

pub fn delete(conn: &mut PgConnection, id: MacroId) -> QueryResult<usize> {
    diesel::delete(macros::table.find(id)).execute(conn)
}
