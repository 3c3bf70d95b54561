//! The routing table: its rows, its versions, what differs between them, and a change of many rows at once.
use chrono::{DateTime, Utc};
use diesel::result::Error::RollbackTransaction;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use crate::catalog::{self, RouteChange};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Page, PageRequest};
use crate::routing::rules::{RoutingRow, RoutingRowChange, diff};
use crate::routing::store::{self, RoutingVersion};

const NO_VERSION: AppError = AppError::NotFound("the version of the routing table");

/// A version and what differs from another.
#[derive(Debug, Clone)]
pub struct Compared {
    pub version: i32,
    pub against: i32,
    pub changes: Vec<RoutingRowChange>,
}

/// A page of a version's rows; of the latest one when none is given. `request` makes the page once the version is known.
pub fn rows(
    conn: &mut PgConnection,
    version: Option<i32>,
    request: impl FnOnce(i32) -> Result<PageRequest, AppError>,
) -> Result<(i32, Page<RoutingRow>), AppError> {
    let version = match version {
        Some(version) => store::version(conn, version)?.ok_or(NO_VERSION)?.version,
        None => store::latest(conn)?,
    };
    let request = request(version)?;
    let rows = store::rows_at(conn, version, &request)?;
    Ok((version, request.page(rows, |row| (json!(row.name), row.component_id.0))))
}

pub fn versions(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<RoutingVersion>, AppError> {
    let rows = store::versions(conn, request)?;
    Ok(request.page(rows, |row| (Value::from(row.version), uuid::Uuid::nil())))
}

/// A version and what differs from `against`, or from the version before it.
pub fn compare(
    conn: &mut PgConnection,
    version: i32,
    against: Option<i32>,
) -> Result<(RoutingVersion, Compared), AppError> {
    let found = store::version(conn, version)?.ok_or(NO_VERSION)?;
    let against = against.unwrap_or(version - 1);
    // Before the first version the table was empty.
    if against != 0 {
        store::version(conn, against)?.ok_or(NO_VERSION)?;
    }
    Ok((found, compared(conn, version, against)?))
}

fn compared(conn: &mut PgConnection, version: i32, against: i32) -> Result<Compared, AppError> {
    let (before, after) = store::changed_between(conn, against, version)?;
    Ok(Compared { version, against, changes: diff(before, after) })
}

/// Changes where components lead, as one version, and tells what differs; a dry run does so without changing anything.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    seen: IfMatch,
    changes: Vec<RouteChange>,
    dry_run: bool,
    now: DateTime<Utc>,
) -> Result<Compared, AppError> {
    let mut told = None;
    let done = conn.transaction(|conn| {
        let made = catalog::change_routes(conn, actor, seen, changes, now)?;
        let latest = store::latest(conn)?;
        told = Some(compared(conn, latest, made.map_or(latest, |version| version - 1))?);
        if dry_run { Err(AppError::from(RollbackTransaction)) } else { Ok(()) }
    });
    match (done, told) {
        (Ok(()), Some(told)) => Ok(told),
        (Err(_), Some(told)) if dry_run => Ok(told),
        (Err(error), _) => Err(error),
        (Ok(()), None) => Err(AppError::internal(RollbackTransaction)),
    }
}
