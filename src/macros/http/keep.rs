//! Make, change and find macros.
use std::collections::BTreeSet;

use actix_web::{delete, get, patch, post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::super::rules::{Action, asks};
use super::super::service;
use super::super::store::{Filter, Macro};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now, set};
use crate::kernel::{AppError, MacroId, Page, PageRequest, Permission};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMacro {
    /// Unique without regard to case.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Ask for the version")]
    name: String,
    #[garde(length(chars, max = 1000))]
    #[serde(default)]
    #[schema(example = "Asks, and waits for the customer.")]
    description: String,
    #[garde(length(min = 1, max = 20))]
    actions: Vec<Action>,
    /// False: kept, and not applied. True when absent.
    #[garde(skip)]
    active: Option<bool>,
}

/// A macro, and what it asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct MacroView {
    #[serde(flatten)]
    kept: Macro,
    /// The names of `values` that whoever applies it fills in.
    #[schema(example = json!(["resolution"]))]
    asks: BTreeSet<String>,
}

impl MacroView {
    fn new(kept: Macro) -> Result<Self, AppError> {
        Ok(Self { asks: asks(&service::actions(&kept)?), kept })
    }
}

/// Create a macro
///
/// A list of actions that are done together, in this order: each takes what the operation of that name takes. Texts can have
/// placeholders, as those of canned replies have; what whoever applies it shall fill in is `{{ input.<name> }}`. For coordinators
/// and administrators.
#[utoipa::path(
    tag = "macros",
    params(Idempotency),
    request_body(content = NewMacro, example = json!({
        "name": "Ask for the version", "actions": [
            {"operation": "note", "body": {"body": "Dear {{ contact.name }}, which version do you use?"}},
            {"operation": "tags", "body": {"add": ["version"]}},
        ],
    })),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The macro", body = MacroView)),
)]
#[post("/macros")]
pub async fn create_macro(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewMacro>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let new = Macro {
        id: MacroId::new(),
        name: new.name,
        description: new.description,
        actions: json!(new.actions),
        active: new.active.unwrap_or(true),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            service::create(conn, &caller, &new, now)?;
            let (location, version) = (format!("/v1/macros/{}", new.id), new.version);
            Ok(Answer::created(location, &MacroView::new(new)?)?.version(version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MacroQuery {
    /// Part of the name, without regard to case.
    #[param(example = "close")]
    q: Option<String>,
    /// Only active, or only inactive ones.
    active: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List macros by name
///
/// `q` finds a part of the name. What a macro would do to a ticket is told by its preview.
#[utoipa::path(
    tag = "macros",
    params(MacroQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of macros", body = Page<MacroView>)),
)]
#[get("/macros")]
pub async fn list_macros(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<MacroQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let Params(MacroQuery { q, active, limit, cursor }) = query;
    let filter = Filter { q, active };
    let request = PageRequest::new(limit, cursor.as_deref(), &format!("macros {filter:?}"))?;
    let page = db.read(move |conn| service::list(conn, &caller, &filter, &request)).await?;
    Answer::page(&page.try_map(MacroView::new)?)
}

/// Get a macro
///
/// With its actions in the order in which they are done.
#[utoipa::path(
    tag = "macros",
    params(("id" = MacroId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The macro", body = MacroView)),
)]
#[get("/macros/{id}")]
pub async fn get_macro(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<MacroId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let found = db.read(move |conn| service::get(conn, &caller, id.0)).await?;
    let version = found.version;
    Ok(Answer::ok(&MacroView::new(found)?)?.version(version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MacroChange {
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Ask for the version")]
    name: Option<String>,
    #[garde(length(chars, max = 1000))]
    #[schema(example = "Asks, and waits for the customer.")]
    description: Option<String>,
    /// All of them anew.
    #[garde(length(min = 1, max = 20))]
    actions: Option<Vec<Action>>,
    #[garde(skip)]
    active: Option<bool>,
}

/// Change a macro
///
/// For coordinators and administrators. What it did to tickets stays.
#[utoipa::path(
    tag = "macros",
    params(("id" = MacroId, Path), IfMatch),
    request_body(content = MacroChange, example = json!({"active": false})),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The macro as it is now", body = MacroView)),
)]
#[patch("/macros/{id}")]
pub async fn change_macro(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<MacroId>,
    seen: IfMatch,
    body: Body<MacroChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let change = body.into_inner();
    let kept = db
        .tx(move |conn| {
            service::change(conn, &caller, id.0, seen, now(), |kept| {
                set(&mut kept.name, change.name);
                set(&mut kept.description, change.description);
                set(&mut kept.actions, change.actions.map(|actions| json!(actions)));
                set(&mut kept.active, change.active);
            })
        })
        .await?;
    let version = kept.version;
    Ok(Answer::ok(&MacroView::new(kept)?)?.version(version))
}

/// Delete a macro
///
/// For coordinators and administrators. What it did to tickets stays.
#[utoipa::path(
    tag = "macros",
    params(("id" = MacroId, Path), IfMatch),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "It is gone")),
)]
#[delete("/macros/{id}")]
pub async fn delete_macro(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<MacroId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    db.tx(move |conn| service::delete(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}
