//! Accounts.
use actix_web::{get, patch, post, put, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now, nullable, set};
use crate::kernel::{AccountId, AppError, Page, PageRequest, Permission, ProductId};
use crate::people::{Account, AccountFilter, service};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_account)
        .service(list_accounts)
        .service(get_account)
        .service(change_account)
        .service(replace_account_products);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Unique without regard to case.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Alpine Tools")]
    name: String,
    /// The products that the account has.
    #[serde(default)]
    #[garde(length(max = 1000))]
    product_ids: Vec<ProductId>,
    /// Whom the customer turns to; with `manager_email`.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Account manager A")]
    manager_name: Option<String>,
    #[garde(email, length(max = 254))]
    #[schema(example = "account-manager-a@desk.example")]
    manager_email: Option<String>,
    /// The service agreement that the customer has, by the name that policies know it by.
    #[garde(length(chars, min = 1, max = 50))]
    #[schema(example = "gold")]
    agreement: Option<String>,
}

/// Create an account
///
/// The customer's company. It needs the products that it has: a ticket can only be about one of those.
#[utoipa::path(
    tag = "people",
    params(Idempotency),
    request_body = NewAccount,
    security(("client_credentials" = ["people:write"])),
    responses((status = 201, description = "The account", body = Account)),
)]
#[post("/accounts")]
async fn create_account(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewAccount>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let account = Account {
        id: AccountId::new(),
        name: new.name,
        active: true,
        manager_name: new.manager_name,
        manager_email: new.manager_email,
        agreement: new.agreement,
        surveys: true,
        product_ids: new.product_ids,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let account = service::create_account(conn, &caller, account, now)?;
            let location = format!("/v1/accounts/{}", account.id);
            Ok(Answer::created(location, &account)?.version(account.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AccountQuery {
    /// Part of the name, without regard to case.
    #[param(example = "wind")]
    q: Option<String>,
    /// Only active, or only inactive ones.
    active: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List accounts by name
///
/// `q` finds a part of the name. An account that is not active takes no new tickets; those that it has stay.
#[utoipa::path(
    tag = "people",
    params(AccountQuery),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "A page of accounts", body = Page<Account>)),
)]
#[get("/accounts")]
async fn list_accounts(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<AccountQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let Params(query) = query;
    let filter = AccountFilter { q: query.q, active: query.active };
    let binding = format!("accounts {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list_accounts(conn, &filter, &request)).await?;
    Answer::page(&page)
}

/// Get an account
///
/// With the products that it has, and who manages it.
#[utoipa::path(
    tag = "people",
    params(("id" = AccountId, Path)),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "The account", body = Account)),
)]
#[get("/accounts/{id}")]
async fn get_account(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AccountId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let account = db.read(move |conn| service::get_account(conn, id.0)).await?;
    Ok(Answer::ok(&account)?.version(account.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Northwind Services")]
    name: Option<String>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
    /// Null, together with `manager_email`: nobody.
    #[garde(inner(inner(length(chars, min = 1, max = 200))))]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "Account manager A")]
    manager_name: Option<Option<String>>,
    #[garde(inner(inner(email, length(max = 254))))]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "account-manager-a@desk.example")]
    manager_email: Option<Option<String>>,
    /// Null: none. Open tickets of the account are measured by what it says from then on.
    #[garde(inner(inner(length(chars, min = 1, max = 50))))]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "gold")]
    agreement: Option<Option<String>>,
    /// False: nobody of the account is asked how satisfied they are.
    #[garde(skip)]
    #[schema(example = true)]
    surveys: Option<bool>,
}

/// Change an account
///
/// Fields that are absent stay as they are. An account that is made inactive takes no new tickets.
#[utoipa::path(
    tag = "people",
    params(("id" = AccountId, Path), IfMatch),
    request_body = AccountChange,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The account as it is now", body = Account)),
)]
#[patch("/accounts/{id}")]
async fn change_account(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AccountId>,
    seen: IfMatch,
    body: Body<AccountChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let change = body.into_inner();
    let apply = move |account: &mut Account| {
        seen.check(account.version)?;
        set(&mut account.name, change.name);
        set(&mut account.active, change.active);
        set(&mut account.manager_name, change.manager_name);
        set(&mut account.manager_email, change.manager_email);
        set(&mut account.agreement, change.agreement);
        set(&mut account.surveys, change.surveys);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_account(conn, &caller, id.0, now(), apply);
    let account = db.tx(change).await?;
    Ok(Answer::ok(&account)?.version(account.version))
}

/// The products of an account, whole.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountProducts {
    #[garde(length(max = 1000))]
    product_ids: Vec<ProductId>,
}

/// Replace an account's products
///
/// The account has these products from now on, and no others. Tickets that name another product keep it.
#[utoipa::path(
    tag = "people",
    params(("id" = AccountId, Path), IfMatch),
    request_body = AccountProducts,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The account as it is now", body = Account)),
)]
#[put("/accounts/{id}/products")]
async fn replace_account_products(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AccountId>,
    seen: IfMatch,
    body: Body<AccountProducts>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let apply = move |account: &mut Account| {
        seen.check(account.version)?;
        account.product_ids = body.into_inner().product_ids;
        Ok(())
    };
    let change = move |conn: &mut _| service::change_account(conn, &caller, id.0, now(), apply);
    let account = db.tx(change).await?;
    Ok(Answer::ok(&account)?.version(account.version))
}
