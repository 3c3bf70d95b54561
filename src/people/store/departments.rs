//! Departments of the desk.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::load_by_name;
use crate::db::schema::departments;
use crate::kernel::{DepartmentId, PageRequest, WorkflowId};

/// A department of the desk. Its workflow is that of its tickets.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = departments, check_for_backend(Pg))]
pub struct Department {
    pub id: DepartmentId,
    #[schema(example = "Support")]
    pub name: String,
    /// The workflow of new tickets.
    pub workflow_id: WorkflowId,
    /// Takes the tickets that no component routes; one department does.
    pub is_default: bool,
    pub active: bool,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub fn insert(conn: &mut PgConnection, department: &Department) -> QueryResult<Department> {
    diesel::insert_into(departments::table)
        .values(department)
        .returning(Department::as_returning())
        .get_result(conn)
}

pub fn find(conn: &mut PgConnection, id: DepartmentId) -> QueryResult<Option<Department>> {
    departments::table.find(id).select(Department::as_select()).first(conn).optional()
}

/// Locks every department, in the order of ids: there are few, and a change may move the default among them.
pub fn lock_all(conn: &mut PgConnection) -> QueryResult<Vec<Department>> {
    departments::table
        .order(departments::id)
        .for_no_key_update()
        .select(Department::as_select())
        .load(conn)
}

pub fn list(conn: &mut PgConnection, request: &PageRequest) -> QueryResult<Vec<Department>> {
    let query = departments::table.select(Department::as_select()).into_boxed();
    load_by_name!(conn, query, departments, request)
}

/// Writes every column that can change.
pub fn save(conn: &mut PgConnection, department: &Department) -> QueryResult<Department> {
    diesel::update(departments::table.find(department.id))
        .set(department)
        .returning(Department::as_returning())
        .get_result(conn)
}
