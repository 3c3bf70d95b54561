//! Categories.
use actix_web::{get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::NameQuery;
use crate::auth::Caller;
use crate::catalog::{Category, service};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now, set};
use crate::kernel::{AppError, CategoryId, Page, Permission};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_category)
        .service(list_categories)
        .service(get_category)
        .service(change_category);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// Unique without regard to case.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Billing")]
    name: String,
}

/// Create a category
///
/// Names are unique without regard to case.
#[utoipa::path(
    tag = "catalog",
    params(Idempotency),
    request_body = NewCategory,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 201, description = "The category", body = Category)),
)]
#[post("/categories")]
async fn create_category(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewCategory>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let category = Category {
        id: CategoryId::new(),
        name: new.name,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let category = service::create_category(conn, &caller, &category, now)?;
            let location = format!("/v1/categories/{}", category.id);
            Ok(Answer::created(location, &category)?.version(category.version))
        })
    };
    db.tx(create).await
}

/// List categories by name
///
/// A ticket is about a product or about a category. One that is not active is offered for no new ticket.
#[utoipa::path(
    tag = "catalog",
    params(NameQuery),
    security(("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "A page of categories", body = Page<Category>)),
)]
#[get("/categories")]
async fn list_categories(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<NameQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let (filter, request) = query.0.read("categories")?;
    let page = db.read(move |conn| service::list_categories(conn, &filter, &request)).await?;
    Answer::page(&page)
}

/// Get a category
///
/// Also when it is not active any more.
#[utoipa::path(
    tag = "catalog",
    params(("id" = CategoryId, Path)),
    security(("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "The category", body = Category)),
)]
#[get("/categories/{id}")]
async fn get_category(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CategoryId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let category = db.read(move |conn| service::get_category(conn, id.0)).await?;
    Ok(Answer::ok(&category)?.version(category.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "General")]
    name: Option<String>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
}

/// Change a category
///
/// Fields that are absent stay as they are. Categories are not deleted but made inactive, because tickets refer to them.
#[utoipa::path(
    tag = "catalog",
    params(("id" = CategoryId, Path), IfMatch),
    request_body = CategoryChange,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 200, description = "The category as it is now", body = Category)),
)]
#[patch("/categories/{id}")]
async fn change_category(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<CategoryId>,
    seen: IfMatch,
    body: Body<CategoryChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let change = body.into_inner();
    let apply = move |category: &mut Category| {
        seen.check(category.version)?;
        set(&mut category.name, change.name);
        set(&mut category.active, change.active);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_category(conn, &caller, id.0, now(), apply);
    let category = db.tx(change).await?;
    Ok(Answer::ok(&category)?.version(category.version))
}
