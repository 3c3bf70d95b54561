//! Endpoints of the views.
use std::collections::BTreeMap;

use actix_web::{delete, get, patch, post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::rules::Audience;
use super::service;
use super::store::View;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{
    Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, WantsTotal, now, nullable, set,
};
use crate::kernel::{Actor, AppError, DepartmentId, Page, PageRequest, Permission, ViewId};
use crate::tickets::{self, BoundedCount, COLUMNS, DESK_COLUMNS, ListQuery, Sort};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_view)
        .service(list_views)
        .service(count_views)
        .service(get_view)
        .service(change_view)
        .service(delete_view)
        .service(list_view_tickets);
}

type Filters = BTreeMap<String, String>;

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Urgent and mine", "filters": {"category": "active", "assignee": "me", "priority": "high,critical"},
    "columns": ["number", "subject", "priority", "updated_at"], "position": 20,
}))]
pub struct NewView {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Urgent and mine")]
    name: String,
    /// The query of `GET /v1/tickets`, by name; `me` is whoever looks.
    #[garde(length(max = 50))]
    #[schema(value_type = Object, example = json!({"category": "active", "assignee": "me", "priority": "high,critical"}))]
    filters: Filters,
    /// The order; newest first when absent.
    #[garde(skip)]
    #[schema(inline)]
    sort: Option<Sort>,
    /// The fields of a ticket to show, in order; the service's choice when absent.
    #[garde(length(min = 1, max = 40))]
    #[schema(example = json!(["number", "subject", "priority", "updated_at"]))]
    columns: Option<Vec<String>>,
    /// Whom it is for; oneself when absent.
    #[garde(skip)]
    audience: Option<Audience>,
    /// With the audience `department`.
    #[garde(skip)]
    #[schema(example = json!(null))]
    department_id: Option<DepartmentId>,
    /// Where it stands among the others; behind them when absent.
    #[garde(range(min = 0, max = 100_000))]
    #[schema(example = 20)]
    position: Option<i32>,
}

const POSITION: i32 = 1_000;

/// Save a view
///
/// A name for filters, an order and columns. Coordinators and administrators share views with a department, with the desk,
/// or with customers.
#[utoipa::path(
    tag = "views",
    params(Idempotency),
    request_body = NewView,
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 201, description = "The view", body = View)),
)]
#[post("/views")]
async fn create_view(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewView>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let audience = new.audience.unwrap_or(Audience::Personal);
    let first_columns =
        || ["number", "subject", "status", "priority", "updated_at"].map(str::to_owned);
    let view = View {
        id: ViewId::new(),
        name: new.name,
        audience,
        owner_id: Some(caller.id),
        department_id: new.department_id,
        filters: json!(new.filters),
        sort: new.sort.unwrap_or(Sort::NewestFirst),
        columns: new.columns.unwrap_or_else(|| first_columns().to_vec()),
        position: new.position.unwrap_or(POSITION),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check(&view, &caller)?;
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create(conn, &caller, &view, now)?;
            let location = format!("/v1/views/{}", view.id);
            Ok(Answer::created(location, &view)?.version(view.version))
        })
    };
    db.tx(create).await
}

/// Fails with the pointer of what no list could be asked.
fn check(view: &View, caller: &Actor) -> Result<(), AppError> {
    for (name, value) in pairs(&view.filters) {
        let alone = ListQuery::saved([(name, value)].into_iter(), view.sort, None, None);
        let checked = alone.and_then(|query| match view.audience {
            Audience::Customers => query.for_customers(),
            _ => query.filter(caller).map(drop),
        });
        checked.map_err(|error| AppError::field(format!("/filters/{name}"), error.to_string()))?;
    }
    query(view)?.sort(caller).map_err(|error| AppError::field("/sort", error.to_string()))?;
    let for_contacts = caller.is_contact() || view.audience == Audience::Customers;
    let known =
        |column: &str| COLUMNS.contains(&column) || !for_contacts && DESK_COLUMNS.contains(&column);
    match view.columns.iter().position(|column| !known(column)) {
        Some(at) => Err(AppError::field(format!("/columns/{at}"), "there is no such column")),
        None => Ok(()),
    }
}

/// The filters by name.
fn pairs(filters: &Value) -> impl Iterator<Item = (&str, &str)> {
    let filters = filters.as_object().into_iter().flatten();
    filters.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

fn query(view: &View) -> Result<ListQuery, AppError> {
    ListQuery::saved(pairs(&view.filters), view.sort, None, None)
}

/// List views by position
///
/// Your own and those that are shared with you.
#[utoipa::path(
    tag = "views",
    params(PageQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of views", body = Page<View>)),
)]
#[get("/views")]
async fn list_views(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let page = query.request("views")?;
    let page = db.read(move |conn| service::list(conn, &caller, &page)).await?;
    Answer::page(&page)
}

/// How many tickets the views find.
#[derive(Debug, Serialize, ToSchema)]
struct ViewCounts {
    items: Vec<ViewCount>,
}

/// How many tickets a view finds for the caller.
#[derive(Debug, Serialize, ToSchema)]
struct ViewCount {
    id: ViewId,
    #[schema(example = "My open tickets")]
    name: String,
    /// Null where the view does not apply to the caller: `me` of somebody who is no agent.
    count: Option<BoundedCount>,
}

/// Count the tickets of all views
///
/// Of every view that you see, as it is now, within what you may see; in one statement, each counted as far as 1,000.
#[utoipa::path(
    tag = "views",
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A count for each view", body = ViewCounts)),
)]
#[get("/views/counts")]
async fn count_views(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let now = now();
    db.read(move |conn| {
        let read = |view: &View| query(view)?.filter(&caller);
        let counted = service::counts(conn, &caller, read, now)?;
        let count = |(view, count): (View, Option<i64>)| ViewCount {
            id: view.id,
            name: view.name,
            count: count.map(BoundedCount::from),
        };
        Answer::ok(&ViewCounts { items: counted.into_iter().map(count).collect() })
    })
    .await
}

/// Get a view
///
/// Its filters, its order and its columns. The tickets in it are at `/tickets`.
#[utoipa::path(
    tag = "views",
    params(("id" = ViewId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The view", body = View)),
)]
#[get("/views/{id}")]
async fn get_view(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ViewId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let view = db.read(move |conn| service::get(conn, &caller, id.0)).await?;
    Ok(Answer::ok(&view)?.version(view.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewChange {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Urgent and mine")]
    name: Option<String>,
    /// All of them anew.
    #[garde(length(max = 50))]
    #[schema(value_type = Option<Object>, example = json!({"category": "active", "assignee": "me"}))]
    filters: Option<Filters>,
    #[garde(skip)]
    #[schema(inline, example = "-priority")]
    sort: Option<Sort>,
    #[garde(length(min = 1, max = 40))]
    #[schema(example = json!(["number", "subject", "priority"]))]
    columns: Option<Vec<String>>,
    #[garde(skip)]
    audience: Option<Audience>,
    #[serde(default, deserialize_with = "nullable")]
    #[garde(skip)]
    #[schema(value_type = Option<DepartmentId>, example = json!(null))]
    department_id: Option<Option<DepartmentId>>,
    #[garde(range(min = 0, max = 100_000))]
    #[schema(example = 20)]
    position: Option<i32>,
}

/// Change a view
///
/// Your own, or a shared one, which is for coordinators and administrators.
#[utoipa::path(
    tag = "views",
    params(("id" = ViewId, Path), IfMatch),
    request_body = ViewChange,
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The view as it is now", body = View)),
)]
#[patch("/views/{id}")]
async fn change_view(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ViewId>,
    seen: IfMatch,
    body: Body<ViewChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let change = body.into_inner();
    let view = db
        .tx(move |conn| {
            service::change(conn, &caller, id.0, seen, now(), |view| {
                set(&mut view.name, change.name);
                set(&mut view.filters, change.filters.map(|filters| json!(filters)));
                set(&mut view.sort, change.sort);
                set(&mut view.columns, change.columns);
                set(&mut view.audience, change.audience);
                set(&mut view.department_id, change.department_id);
                set(&mut view.position, change.position);
                check(view, &caller)
            })
        })
        .await?;
    Ok(Answer::ok(&view)?.version(view.version))
}

/// Delete a view
///
/// Your own, or a shared one, which is for coordinators and administrators. No ticket changes.
#[utoipa::path(
    tag = "views",
    params(("id" = ViewId, Path), IfMatch),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 204, description = "It is gone")),
)]
#[delete("/views/{id}")]
async fn delete_view(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ViewId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    db.tx(move |conn| service::delete(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}

/// List the tickets of a view
///
/// As `GET /v1/tickets` with the view's filters and order, within what you may see.
#[utoipa::path(
    tag = "views",
    params(("id" = ViewId, Path), PageQuery, WantsTotal),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of tickets", body = Page<tickets::TicketSummary>)),
)]
#[get("/views/{id}/tickets")]
async fn list_view_tickets(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ViewId>,
    page: Params<PageQuery>,
    wants_total: WantsTotal,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let Params(PageQuery { limit, cursor }) = page;
    PageRequest::check(limit, cursor.as_deref())?;
    let view = {
        let caller = caller.clone();
        db.read(move |conn| service::get(conn, &caller, id.0)).await?
    };
    let query = ListQuery::saved(pairs(&view.filters), view.sort, limit, cursor)?;
    tickets::answer_list(&db, caller, &query, wants_total).await
}
