//! The versions of the routing table.
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::lower;
use crate::db::schema::{routing_entries as e, routing_head, routing_versions};
use crate::kernel::{ComponentId, DepartmentId, Level, PageRequest, ProductId};
use crate::routing::rules::RoutingRow;

/// A version of the routing table.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable)]
#[diesel(table_name = routing_versions, check_for_backend(Pg))]
pub struct RoutingVersion {
    #[schema(example = 2)]
    pub version: i32,
    pub changed_by: Uuid,
    #[schema(example = "Administrator")]
    pub changed_by_name: String,
    pub changed_at: DateTime<Utc>,
}

pub fn latest(conn: &mut PgConnection) -> QueryResult<i32> {
    routing_head::table.select(routing_head::version).first(conn)
}

pub fn version(conn: &mut PgConnection, version: i32) -> QueryResult<Option<RoutingVersion>> {
    routing_versions::table.find(version).select(RoutingVersion::as_select()).first(conn).optional()
}

/// The version that held at this time.
pub fn version_at(conn: &mut PgConnection, at: DateTime<Utc>) -> QueryResult<Option<i32>> {
    routing_versions::table
        .filter(routing_versions::changed_at.le(at))
        .order(routing_versions::version.desc())
        .select(routing_versions::version)
        .first(conn)
        .optional()
}

/// A page of versions, latest first.
pub fn versions(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> QueryResult<Vec<RoutingVersion>> {
    use routing_versions::version;
    let mut query = routing_versions::table
        .limit(request.fetch())
        .select(RoutingVersion::as_select())
        .into_boxed();
    let from = request.cursor.as_ref().and_then(|cursor| cursor.key.as_i64());
    if let Some(from) = from.and_then(|from| i32::try_from(from).ok()) {
        query = if request.backward() {
            query.filter(version.gt(from))
        } else {
            query.filter(version.lt(from))
        };
    }
    if request.backward() {
        query.order(version).load(conn)
    } else {
        query.order(version.desc()).load(conn)
    }
}

type Columns = (ComponentId, i32, String, ProductId, Level, DepartmentId, Option<String>, bool);
const COLUMNS: (
    e::component_id,
    e::from_version,
    e::name,
    e::product_id,
    e::level,
    e::department_id,
    e::process,
    e::active,
) = (
    e::component_id,
    e::from_version,
    e::name,
    e::product_id,
    e::level,
    e::department_id,
    e::process,
    e::active,
);

fn row(columns: Columns) -> RoutingRow {
    let (component_id, since_version, name, product_id, level, department_id, process, active) =
        columns;
    RoutingRow {
        component_id,
        since_version,
        name,
        product_id,
        level,
        department_id,
        process,
        active,
    }
}

type Condition = Box<dyn BoxableExpression<e::table, Pg, SqlType = Bool>>;

/// The rows that a version has.
fn valid_in(version: i32) -> Condition {
    let not_ended = e::until_version.is_null().or(e::until_version.gt(version).assume_not_null());
    Box::new(e::from_version.le(version).and(not_ended))
}

/// A page of a version's rows by name, without regard to case.
pub fn rows_at(
    conn: &mut PgConnection,
    version: i32,
    request: &PageRequest,
) -> QueryResult<Vec<RoutingRow>> {
    let mut query = e::table.filter(valid_in(version)).select(COLUMNS).into_boxed();
    let (forward, backward) = (
        "(lower(routing_entries.name), routing_entries.component_id) > (lower(",
        "(lower(routing_entries.name), routing_entries.component_id) < (lower(",
    );
    if let Some(cursor) = &request.cursor {
        let name = cursor.key.as_str().unwrap_or_default().to_owned();
        let behind = sql::<Bool>(if request.backward() { backward } else { forward });
        query = query
            .filter(behind.bind::<Text, _>(name).sql("), ").bind::<SqlUuid, _>(cursor.id).sql(")"));
    }
    query = query.limit(request.fetch());
    let rows: Vec<Columns> = if request.backward() {
        query.order((lower(e::name).desc(), e::component_id.desc())).load(conn)?
    } else {
        query.order((lower(e::name), e::component_id)).load(conn)?
    };
    Ok(rows.into_iter().map(row).collect())
}

/// The rows that one of two versions has and the other has not: those of the first, those of the second.
pub fn changed_between(
    conn: &mut PgConnection,
    before: i32,
    after: i32,
) -> QueryResult<(Vec<RoutingRow>, Vec<RoutingRow>)> {
    let mut only = |this, other| {
        let rows = e::table.filter(valid_in(this)).filter(diesel::dsl::not(valid_in(other)));
        let rows: Vec<Columns> = rows.select(COLUMNS).load(conn)?;
        Ok::<_, diesel::result::Error>(rows.into_iter().map(row).collect())
    };
    Ok((only(before, after)?, only(after, before)?))
}
