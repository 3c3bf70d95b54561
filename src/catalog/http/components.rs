//! Components.
use actix_web::{get, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::catalog::{Component, ComponentFilter, service};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now, nullable, set};
use crate::kernel::{
    Actor, AppError, ComponentId, DepartmentId, Level, Page, PageRequest, Permission, ProductId,
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_component)
        .service(list_components)
        .service(get_component)
        .service(change_component);
}

/// A part of a product. A ticket's component decides the support level and the department that own it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComponentView {
    id: ComponentId,
    product_id: ProductId,
    /// Unique within the product, without regard to case.
    #[schema(example = "User Management")]
    name: String,
    /// What it is about.
    #[schema(example = "creating, updating and deleting users, role changes, logins")]
    covers: String,
    /// The desk's side; absent for a contact.
    #[serde(flatten)]
    desk: Option<ComponentRoute>,
    /// No tickets are opened for an inactive component.
    active: bool,
    #[schema(example = 1)]
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Where a component leads its tickets.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComponentRoute {
    level: Level,
    department_id: DepartmentId,
    /// The key of the external process that its tickets follow; null unless the level is external.
    #[schema(example = json!(null))]
    process: Option<String>,
}

impl ComponentView {
    fn new(component: Component, actor: &Actor) -> Self {
        let Component { level, department_id, process, .. } = component;
        Self {
            id: component.id,
            product_id: component.product_id,
            name: component.name,
            covers: component.covers,
            desk: (!actor.is_contact()).then_some(ComponentRoute { level, department_id, process }),
            active: component.active,
            version: component.version,
            created_at: component.created_at,
            updated_at: component.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComponent {
    #[garde(skip)]
    product_id: ProductId,
    /// Unique within the product, without regard to case.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Invoicing")]
    name: String,
    /// What it is about.
    #[serde(default)]
    #[garde(length(chars, max = 2000))]
    #[schema(example = "invoices, reminders, payments")]
    covers: String,
    /// The level that owns its tickets.
    #[garde(skip)]
    level: Level,
    /// The department that owns its tickets.
    #[garde(skip)]
    department_id: DepartmentId,
    /// The key of the process that its tickets follow; only with the level external.
    #[garde(length(min = 1, max = 100))]
    #[schema(example = json!(null))]
    process: Option<String>,
}

/// Create a component
///
/// A part of a product. The routing table says which level and team its tickets go to.
#[utoipa::path(
    tag = "catalog",
    params(Idempotency),
    request_body = NewComponent,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 201, description = "The component", body = ComponentView)),
)]
#[post("/components")]
async fn create_component(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewComponent>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let component = Component {
        id: ComponentId::new(),
        product_id: new.product_id,
        name: new.name,
        covers: new.covers,
        level: new.level,
        department_id: new.department_id,
        process: new.process,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let component = service::create_component(conn, &caller, &component, now)?;
            let location = format!("/v1/components/{}", component.id);
            let view = ComponentView::new(component, &caller);
            Ok(Answer::created(location, &view)?.version(view.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ComponentQuery {
    /// Only components of this product.
    product: Option<ProductId>,
    /// Only components that this level owns.
    level: Option<Level>,
    /// Part of the name or of what it covers, without regard to case.
    #[param(example = "user")]
    q: Option<String>,
    /// Only active, or only inactive ones.
    active: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List components by name
///
/// A contact is not told where they lead.
#[utoipa::path(
    tag = "catalog",
    params(ComponentQuery),
    security(("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "A page of components", body = Page<ComponentView>)),
)]
#[get("/components")]
async fn list_components(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ComponentQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let Params(query) = query;
    if caller.is_contact() && query.level.is_some() {
        return Err(AppError::Malformed("query parameter level: this is for the desk only".into()));
    }
    let filter = ComponentFilter {
        product: query.product,
        level: query.level,
        q: query.q,
        active: query.active,
    };
    let binding = format!("components {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list_components(conn, &filter, &request)).await?;
    Answer::page(&page.map(|component| ComponentView::new(component, &caller)))
}

/// Get a component
///
/// Also when it is not active any more. Where its tickets go is told by `POST /v1/routing/resolve`.
#[utoipa::path(
    tag = "catalog",
    params(("id" = ComponentId, Path)),
    security(("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "The component", body = ComponentView)),
)]
#[get("/components/{id}")]
async fn get_component(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ComponentId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let component = db.read(move |conn| service::get_component(conn, id.0)).await?;
    let view = ComponentView::new(component, &caller);
    Ok(Answer::ok(&view)?.version(view.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Report Writer")]
    name: Option<String>,
    #[garde(length(chars, max = 2000))]
    #[schema(example = "the custom report writer")]
    covers: Option<String>,
    #[garde(skip)]
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

/// Change a component
///
/// Tickets that are already open stay where they are.
#[utoipa::path(
    tag = "catalog",
    params(("id" = ComponentId, Path), IfMatch),
    request_body = ComponentChange,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 200, description = "The component as it is now", body = ComponentView)),
)]
#[patch("/components/{id}")]
async fn change_component(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ComponentId>,
    seen: IfMatch,
    body: Body<ComponentChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let change = body.into_inner();
    let apply = move |component: &mut Component| {
        seen.check(component.version)?;
        set(&mut component.name, change.name);
        set(&mut component.covers, change.covers);
        set(&mut component.level, change.level);
        set(&mut component.department_id, change.department_id);
        set(&mut component.process, change.process);
        set(&mut component.active, change.active);
        Ok(())
    };
    db.tx(move |conn| {
        let component = service::change_component(conn, &caller, id.0, now(), apply)?;
        let view = ComponentView::new(component, &caller);
        Ok(Answer::ok(&view)?.version(view.version))
    })
    .await
}
