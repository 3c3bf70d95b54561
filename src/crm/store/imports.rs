//! How far imports are.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::links::LinkKind;
use crate::db::schema::crm_imports::{self as imports, dsl};
use crate::kernel::{ConnectionId, text_enum};

text_enum! {
    /// What an import is doing with a kind.
    ImportStep {
        /// Pages are read from the CRM.
        List = "list",
        /// What was read is compared with the desk.
        Match = "match",
        Done = "done",
    }
}

/// How far the import of a kind is, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = imports, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct ImportRow {
    pub connection_id: ConnectionId,
    pub kind: LinkKind,
    pub run: i64,
    pub step: ImportStep,
    pub position: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub watermark: Option<DateTime<Utc>>,
    pub whole_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
    pub listed: i32,
    pub created: i32,
    pub updated: i32,
    pub linked: i32,
    pub unmapped: i32,
}

/// The kinds that were ever imported.
pub fn imports(conn: &mut PgConnection, connection: ConnectionId) -> QueryResult<Vec<ImportRow>> {
    let rows = imports::table.filter(dsl::connection_id.eq(connection));
    rows.select(ImportRow::as_select()).load(conn)
}

pub fn save_import(conn: &mut PgConnection, row: &ImportRow) -> QueryResult<usize> {
    diesel::insert_into(imports::table)
        .values(row)
        .on_conflict((dsl::connection_id, dsl::kind))
        .do_update()
        .set(row)
        .execute(conn)
}

/// A connection whose schedule asks for an import now, and since when everything was listed once; the longest waiting first.
/// `job` is the kind of job that imports.
pub fn due_import(
    conn: &mut PgConnection,
    job: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<(ConnectionId, Option<DateTime<Utc>>)>> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = SqlUuid)]
        id: uuid::Uuid,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        whole_at: Option<DateTime<Utc>>,
    }
    let due: Option<Due> = diesel::sql_query(
        "select c.id, i.whole_at from crm_connections c
           left join lateral (
             select max(started_at) as started_at, min(whole_at) as whole_at from crm_imports
              where connection_id = c.id) i on true
          where c.state = 'active' and c.kind <> 'integration' and (c.settings->'import'->>'scheduled')::boolean
            and (i.started_at is null
              or i.started_at <= $2 - make_interval(mins => (c.settings->'import'->>'every_minutes')::integer))
            and not exists (select from jobs j
              where j.kind = $1 and j.subject = 'crm_connection/' || c.id and j.finished_at is null)
          order by i.started_at nulls first limit 1",
    )
    .bind::<Text, _>(job)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .optional()?;
    Ok(due.map(|due| (ConnectionId(due.id), due.whole_at)))
}
