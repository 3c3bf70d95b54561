//! Products.
use actix_web::{get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::NameQuery;
use crate::auth::Caller;
use crate::catalog::{Product, service};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now, set};
use crate::kernel::{AppError, Page, Permission, ProductId};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_product).service(list_products).service(get_product).service(change_product);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// Unique without regard to case.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "CoreTrac Mobile")]
    name: String,
}

/// Create a product
///
/// Names are unique without regard to case.
#[utoipa::path(
    tag = "catalog",
    params(Idempotency),
    request_body = NewProduct,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 201, description = "The product", body = Product)),
)]
#[post("/products")]
async fn create_product(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewProduct>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let product = Product {
        id: ProductId::new(),
        name: new.name,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let product = service::create_product(conn, &caller, &product, now)?;
            let location = format!("/v1/products/{}", product.id);
            Ok(Answer::created(location, &product)?.version(product.version))
        })
    };
    db.tx(create).await
}

/// List products by name
///
/// What customers have. An account must have a product before a ticket can be about it.
#[utoipa::path(
    tag = "catalog",
    params(NameQuery),
    security(("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "A page of products", body = Page<Product>)),
)]
#[get("/products")]
async fn list_products(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<NameQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let (filter, request) = query.0.read("products")?;
    let page = db.read(move |conn| service::list_products(conn, &filter, &request)).await?;
    Answer::page(&page)
}

/// Get a product
///
/// Also when it is not active any more.
#[utoipa::path(
    tag = "catalog",
    params(("id" = ProductId, Path)),
    security(("client_credentials" = ["catalog:read"])),
    responses((status = 200, description = "The product", body = Product)),
)]
#[get("/products/{id}")]
async fn get_product(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ProductId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogRead)?;
    let product = db.read(move |conn| service::get_product(conn, id.0)).await?;
    Ok(Answer::ok(&product)?.version(product.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "CoreTrac")]
    name: Option<String>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
}

/// Change a product
///
/// Fields that are absent stay as they are. Products are not deleted but made inactive, because tickets refer to them.
#[utoipa::path(
    tag = "catalog",
    params(("id" = ProductId, Path), IfMatch),
    request_body = ProductChange,
    security(("client_credentials" = ["catalog:write"])),
    responses((status = 200, description = "The product as it is now", body = Product)),
)]
#[patch("/products/{id}")]
async fn change_product(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ProductId>,
    seen: IfMatch,
    body: Body<ProductChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CatalogWrite)?;
    let change = body.into_inner();
    let apply = move |product: &mut Product| {
        seen.check(product.version)?;
        set(&mut product.name, change.name);
        set(&mut product.active, change.active);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_product(conn, &caller, id.0, now(), apply);
    let product = db.tx(change).await?;
    Ok(Answer::ok(&product)?.version(product.version))
}
