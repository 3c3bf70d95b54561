//! What is known by a key instead of an id: ticket types and external processes.
use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Jsonb;
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::rules::ProcessStep;
use crate::db::schema::{processes, ticket_types};
use crate::kernel::{PageRequest, WorkflowId};

/// What kind of request a ticket is.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = ticket_types, primary_key(key), check_for_backend(Pg), treat_none_as_null = true)]
pub struct TicketType {
    #[schema(example = "incident")]
    pub key: String,
    #[schema(example = "Incident")]
    pub name: String,
    /// The workflow of its tickets; null: that of the department which takes them.
    pub workflow_id: Option<WorkflowId>,
    #[schema(example = 1)]
    pub version: i32,
}

/// What is done, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Steps(pub Vec<ProcessStep>);

impl ToSql<Jsonb, Pg> for Steps {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let json = serde_json::to_value(self)?;
        <serde_json::Value as ToSql<Jsonb, Pg>>::to_sql(&json, &mut out.reborrow())
    }
}

impl FromSql<Jsonb, Pg> for Steps {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let json = <serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?;
        Ok(Self(serde_json::from_value(json)?))
    }
}

/// What is done with tickets that a team outside the desk owns.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = processes, check_for_backend(Pg))]
pub struct Process {
    #[schema(example = "account_manager")]
    pub key: String,
    #[schema(example = "Account manager")]
    pub name: String,
    /// In order: what to do, and what the service checks itself.
    #[schema(value_type = Vec<ProcessStep>)]
    pub steps: Steps,
    #[schema(example = 1)]
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

/// The rows of the page that `request` asks for, by key.
macro_rules! load_by_key {
    ($conn:expr, $table:ident, $row:ident, $request:expr) => {{
        let mut query =
            $table::table.select($row::as_select()).limit($request.fetch()).into_boxed();
        if let Some(cursor) = &$request.cursor {
            let key = cursor.key.as_str().unwrap_or_default();
            query = if $request.backward() {
                query.filter($table::key.lt(key))
            } else {
                query.filter($table::key.gt(key))
            };
        }
        if $request.backward() {
            query.order($table::key.desc()).load($conn)
        } else {
            query.order($table::key).load($conn)
        }
    }};
}

pub fn insert_type(conn: &mut PgConnection, kind: &TicketType) -> QueryResult<usize> {
    diesel::insert_into(ticket_types::table).values(kind).execute(conn)
}

pub fn lock_type(conn: &mut PgConnection, key: &str) -> QueryResult<Option<TicketType>> {
    let query = ticket_types::table.find(key).for_no_key_update();
    query.select(TicketType::as_select()).first(conn).optional()
}

/// Writes every column that can change.
pub fn save_type(conn: &mut PgConnection, kind: &TicketType) -> QueryResult<usize> {
    diesel::update(ticket_types::table.find(&kind.key)).set(kind).execute(conn)
}

pub fn types(conn: &mut PgConnection, request: &PageRequest) -> QueryResult<Vec<TicketType>> {
    load_by_key!(conn, ticket_types, TicketType, request)
}

pub fn insert_process(conn: &mut PgConnection, process: &Process) -> QueryResult<usize> {
    diesel::insert_into(processes::table).values(process).execute(conn)
}

pub fn process(conn: &mut PgConnection, key: &str) -> QueryResult<Option<Process>> {
    processes::table.find(key).select(Process::as_select()).first(conn).optional()
}

pub fn lock_process(conn: &mut PgConnection, key: &str) -> QueryResult<Option<Process>> {
    processes::table
        .find(key)
        .for_no_key_update()
        .select(Process::as_select())
        .first(conn)
        .optional()
}

pub fn save_process(conn: &mut PgConnection, process: &Process) -> QueryResult<usize> {
    diesel::update(processes::table.find(&process.key)).set(process).execute(conn)
}

pub fn processes(conn: &mut PgConnection, request: &PageRequest) -> QueryResult<Vec<Process>> {
    load_by_key!(conn, processes, Process, request)
}
