//! The routing table and its versions.
use actix_web::{get, patch, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Caller;
use crate::catalog::RouteChange;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PageQuery, Params, now, nullable};
use crate::kernel::{AppError, ComponentId, DepartmentId, Level, Page, PageRequest, Permission};
use crate::routing::rules::{RoutingRow, RoutingRowChange};
use crate::routing::service::{self, Compared};
use crate::routing::store::RoutingVersion;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TableQuery {
    /// An earlier version; the latest when absent.
    #[param(minimum = 1, example = 1)]
    version: Option<i32>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page of the same version.
    cursor: Option<String>,
}

/// Get the routing table
///
/// What each component says about routing, by name. The ETag is the table's version: every change that could lead a ticket
/// elsewhere makes another.
#[utoipa::path(
    tag = "routing",
    params(TableQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of the table", body = Page<RoutingRow>)),
)]
#[get("/routing/table")]
pub async fn get_routing_table(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<TableQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let Params(query) = query;
    let (version, page) = db
        .read(move |conn| {
            service::rows(conn, query.version, |version| {
                let binding = format!("routing table {version}");
                PageRequest::new(query.limit, query.cursor.as_deref(), &binding)
            })
        })
        .await?;
    Ok(Answer::page(&page)?.version(version))
}

/// Where a component shall lead; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RowPatch {
    #[garde(skip)]
    component_id: ComponentId,
    #[garde(skip)]
    #[schema(example = "L2")]
    level: Option<Level>,
    #[garde(skip)]
    department_id: Option<DepartmentId>,
    /// Null: none.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(length(min = 1, max = 100))]
    #[schema(value_type = Option<String>, example = json!(null))]
    process: Option<Option<String>>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
}

/// Rows of the routing table, each at most once; the others stay.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TablePatch {
    #[garde(length(min = 1, max = 500), dive)]
    components: Vec<RowPatch>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// True: tells what would differ. Changes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What differs between two versions of the routing table.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableChange {
    /// The version that the changes make, or would make.
    #[schema(example = 3)]
    version: i32,
    /// The version that they start from.
    #[schema(example = 2)]
    against: i32,
    changes: Vec<RoutingRowChange>,
}

impl From<Compared> for TableChange {
    fn from(compared: Compared) -> Self {
        let Compared { version, against, changes } = compared;
        Self { version, against, changes }
    }
}

/// Change the routing table
///
/// All of the rows or none, as one version. With `dry_run=true` only tells what would differ. Tickets that are already open
/// stay where they are.
#[utoipa::path(
    tag = "routing",
    params(DryRun, IfMatch),
    request_body = TablePatch,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 200, description = "What differs", body = TableChange)),
)]
#[patch("/routing/table")]
pub async fn change_routing_table(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<DryRun>,
    seen: IfMatch,
    body: Body<TablePatch>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let rows = body.into_inner().components.into_iter();
    let changes: Vec<RouteChange> = rows
        .map(|row| RouteChange {
            component_id: row.component_id,
            level: row.level,
            department_id: row.department_id,
            process: row.process,
            active: row.active,
        })
        .collect();
    let dry_run = query.dry_run;
    let change = move |conn: &mut _| service::change(conn, &caller, seen, changes, dry_run, now());
    let told = db.tx(change).await?;
    let version = if dry_run { told.against } else { told.version };
    Ok(Answer::ok(&TableChange::from(told))?.version(version))
}

/// List the versions of the routing table, latest first
///
/// Who changed the table, when, and what was different.
#[utoipa::path(
    tag = "routing",
    params(PageQuery),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "A page of versions", body = Page<RoutingVersion>)),
)]
#[get("/routing/versions")]
pub async fn list_routing_versions(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let page = query.request("routing versions")?;
    let page = db.read(move |conn| service::versions(conn, &page)).await?;
    Answer::page(&page)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// Another version, 0 for the empty table before the first; the one before when absent.
    #[param(minimum = 0, example = 1)]
    against: Option<i32>,
}

/// Who made a version of the routing table, when, and what differed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingVersionView {
    #[schema(example = 2)]
    version: i32,
    changed_by: Uuid,
    #[schema(example = "Administrator")]
    changed_by_name: String,
    changed_at: DateTime<Utc>,
    /// The version that it is compared with; 0 is the empty table before the first.
    #[schema(example = 1)]
    against: i32,
    changes: Vec<RoutingRowChange>,
}

/// Get a version of the routing table
///
/// With what differs from the version before, or from any other.
#[utoipa::path(
    tag = "routing",
    params(("id" = i32, Path, description = "Its number", example = 2), Against),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The version", body = RoutingVersionView)),
)]
#[get("/routing/versions/{id}")]
pub async fn get_routing_version(
    db: web::Data<Db>,
    caller: Caller,
    version: web::Path<i32>,
    query: Params<Against>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let (found, told) =
        db.read(move |conn| service::compare(conn, *version, query.against)).await?;
    let Compared { version, against, changes } = told;
    let RoutingVersion { changed_by, changed_by_name, changed_at, .. } = found;
    let view =
        RoutingVersionView { version, changed_by, changed_by_name, changed_at, against, changes };
    Ok(Answer::ok(&view)?.version(version))
}
