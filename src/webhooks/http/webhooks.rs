//! The webhooks themselves.
use actix_web::{delete, get, patch, post, web};
use chrono::{DateTime, TimeDelta, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PageQuery, Params, PathId, now, set};
use crate::kernel::{AccountId, AppError, DepartmentId, Page, Permission, Secret, WebhookId};
use crate::webhooks::Webhooks;
use crate::webhooks::rules::{DisabledReason, OVERLAP_HOURS};
use crate::webhooks::service::{self, Wanted};
use crate::webhooks::store::Webhook;

/// An address that is told what happens.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    id: WebhookId,
    #[schema(example = "Data warehouse")]
    name: String,
    #[schema(example = "https://warehouse.example/hooks/desk")]
    url: String,
    #[schema(example = json!(["ticket.*", "survey.answered"]))]
    types: Vec<String>,
    #[schema(value_type = Vec<AccountId>, example = json!([]))]
    account_ids: Vec<Uuid>,
    #[schema(value_type = Vec<DepartmentId>, example = json!([]))]
    department_ids: Vec<Uuid>,
    active: bool,
    /// Why the service itself switched it off: `gone`, the receiver answered 410.
    disabled_reason: Option<DisabledReason>,
    /// Until when the secret before signs too.
    previous_secret_until: Option<DateTime<Utc>>,
    /// Attempts in a row that failed.
    #[schema(example = 0)]
    failures: i32,
    /// When something was last delivered, exact to ten seconds.
    delivered_at: Option<DateTime<Utc>>,
    /// The receiver asked to be left alone until then.
    rest_until: Option<DateTime<Utc>>,
    /// Up to where of the feed its deliveries are queued.
    #[schema(example = 4711)]
    position: i64,
    #[schema(example = "Administrator")]
    created_by_name: String,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            name: webhook.name,
            url: webhook.url,
            types: webhook.types,
            account_ids: webhook.account_ids,
            department_ids: webhook.department_ids,
            active: webhook.active,
            disabled_reason: webhook.disabled_reason,
            previous_secret_until: webhook.previous_until,
            failures: webhook.failures,
            delivered_at: webhook.delivered_at,
            rest_until: webhook.rest_until,
            position: webhook.position,
            created_by_name: webhook.created_by_name,
            version: webhook.version,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// A webhook together with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What the receiver verifies signatures with.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

impl WebhookWithSecret {
    fn new((webhook, secret): (Webhook, Secret)) -> Self {
        Self { webhook: webhook.into(), secret: secret.expose().to_owned() }
    }
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Data warehouse")]
    name: String,
    /// Where events are sent to: `https://`, at a public address.
    #[garde(length(max = 2000))]
    #[schema(example = "https://warehouse.example/hooks/desk")]
    url: String,
    /// Types of events, or groups of them such as `ticket.*`; all when empty or absent.
    #[serde(default)]
    #[garde(length(max = 100))]
    #[schema(example = json!(["ticket.*", "survey.answered"]))]
    types: Vec<String>,
    /// Only events of tickets of these accounts.
    #[serde(default)]
    #[garde(length(max = 100))]
    #[schema(example = json!([]))]
    account_ids: Vec<AccountId>,
    /// Only events of tickets that these departments have when the event is queued.
    #[serde(default)]
    #[garde(length(max = 100))]
    #[schema(example = json!([]))]
    department_ids: Vec<DepartmentId>,
}

fn check_url(webhooks: &Webhooks, url: &str) -> Result<(), AppError> {
    webhooks.check(url).map_err(|why| AppError::field("/url", why))
}

fn uuids<T>(ids: Vec<T>, bare: impl Fn(T) -> Uuid) -> Vec<Uuid> {
    ids.into_iter().map(bare).collect()
}

/// Create a webhook
///
/// Every event that it asks for is sent to its URL from now on: a POST of `{"type", "timestamp", "data"}`, where `data` is the event as
/// the feed shows it to who sees every ticket. It is signed as Standard Webhooks says (`webhook-id`, `webhook-timestamp`,
/// `webhook-signature`), with the secret that is in this answer and never again. 2xx within 15 seconds is an answer; after anything else
/// it is tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, or later when `Retry-After` says so. 410 switches the
/// webhook off. The same event can arrive more than once, always under the same `webhook-id`; the order of a ticket's events is their
/// `ticket_version`.
#[utoipa::path(
    tag = "webhooks",
    request_body = NewWebhook,
    security(
        ("client_credentials" = ["webhooks:write", "events:read"]),
    ),
    responses((status = 201, description = "The webhook and its secret", body = WebhookWithSecret)),
)]
#[post("/webhooks")]
pub async fn create_webhook(
    db: web::Data<Db>,
    webhooks: web::Data<Webhooks>,
    caller: Caller,
    body: Body<NewWebhook>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksWrite)?;
    let new = body.into_inner();
    check_url(&webhooks, &new.url)?;
    let wanted = Wanted {
        name: new.name,
        url: new.url,
        types: new.types,
        account_ids: uuids(new.account_ids, |id| id.0),
        department_ids: uuids(new.department_ids, |id| id.0),
    };
    let key = webhooks.key();
    let made = db.tx(move |conn| service::create(conn, &key, &caller, wanted, now())).await?;
    let (location, version) = (format!("/v1/webhooks/{}", made.0.id), made.0.version);
    Ok(Answer::created(location, &WebhookWithSecret::new(made))?.version(version))
}

/// List webhooks, oldest first
///
/// Without their secrets, which are only shown when they are made.
#[utoipa::path(
    tag = "webhooks",
    params(PageQuery),
    security(("client_credentials" = ["webhooks:read"])),
    responses((status = 200, description = "A page of webhooks", body = Page<WebhookView>)),
)]
#[get("/webhooks")]
pub async fn list_webhooks(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksRead)?;
    let request = query.request("webhooks")?;
    let page = db.read(move |conn| service::page(conn, &caller, &request)).await?;
    Answer::page(&page.map(WebhookView::from))
}

/// Get a webhook
///
/// What it is sent, and how it is doing. Without its secret.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    security(("client_credentials" = ["webhooks:read"])),
    responses((status = 200, description = "The webhook", body = WebhookView)),
)]
#[get("/webhooks/{id}")]
pub async fn get_webhook(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WebhookId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksRead)?;
    let webhook = db.read(move |conn| service::get(conn, &caller, id.0)).await?;
    let version = webhook.version;
    Ok(Answer::ok(&WebhookView::from(webhook))?.version(version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Data warehouse")]
    name: Option<String>,
    #[garde(length(max = 2000))]
    #[schema(example = "https://warehouse.example/hooks/desk")]
    url: Option<String>,
    #[garde(length(max = 100))]
    #[schema(example = json!(["ticket.*"]))]
    types: Option<Vec<String>>,
    #[garde(length(max = 100))]
    #[schema(example = json!([]))]
    account_ids: Option<Vec<AccountId>>,
    #[garde(length(max = 100))]
    #[schema(example = json!([]))]
    department_ids: Option<Vec<DepartmentId>>,
    /// What happens while it is switched off is sent once it is switched on again.
    #[garde(skip)]
    active: Option<bool>,
}

/// Change a webhook, switch it off or on again
///
/// Nothing is lost while it is off: it goes on where it stopped. What is queued already goes to the new URL.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookId, Path), IfMatch),
    request_body = WebhookChange,
    security(
        ("client_credentials" = ["webhooks:write", "events:read"]),
    ),
    responses((status = 200, description = "The webhook as it is now", body = WebhookView)),
)]
#[patch("/webhooks/{id}")]
pub async fn change_webhook(
    db: web::Data<Db>,
    webhooks: web::Data<Webhooks>,
    caller: Caller,
    id: PathId<WebhookId>,
    seen: IfMatch,
    body: Body<WebhookChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksWrite)?;
    let change = body.into_inner();
    if let Some(url) = &change.url {
        check_url(&webhooks, url)?;
    }
    let apply = move |webhook: &mut Webhook| {
        set(&mut webhook.name, change.name);
        set(&mut webhook.url, change.url);
        set(&mut webhook.types, change.types);
        set(&mut webhook.account_ids, change.account_ids.map(|ids| uuids(ids, |id| id.0)));
        set(&mut webhook.department_ids, change.department_ids.map(|ids| uuids(ids, |id| id.0)));
        set(&mut webhook.active, change.active);
    };
    let change = move |conn: &mut _| service::change(conn, &caller, id.0, seen, now(), apply);
    let webhook = db.tx(change).await?;
    webhooks.wake();
    let version = webhook.version;
    Ok(Answer::ok(&WebhookView::from(webhook))?.version(version))
}

/// Delete a webhook
///
/// Its deliveries go with it, also those that are still to be made.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookId, Path), IfMatch),
    security(("client_credentials" = ["webhooks:write"])),
    responses((status = 204, description = "It is gone")),
)]
#[delete("/webhooks/{id}")]
pub async fn delete_webhook(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WebhookId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksWrite)?;
    db.tx(move |conn| service::delete(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhookSecret {
    /// For how many hours the secret before signs too; 24 when absent, 0 when it is known to others.
    #[garde(range(min = 0, max = 168))]
    #[schema(example = 24)]
    overlap_hours: Option<i64>,
}

/// Renew a webhook's secret
///
/// The new secret is in the answer, and never again. Until the overlap ends each message has two signatures, one with each secret, so
/// that a receiver can change over at any time.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    request_body = RotateWebhookSecret,
    security(("client_credentials" = ["webhooks:write"])),
    responses((status = 200, description = "The webhook and its new secret", body = WebhookWithSecret)),
)]
#[post("/webhooks/{id}/secret")]
pub async fn rotate_webhook_secret(
    db: web::Data<Db>,
    webhooks: web::Data<Webhooks>,
    caller: Caller,
    id: PathId<WebhookId>,
    body: Body<RotateWebhookSecret>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksWrite)?;
    let overlap = TimeDelta::hours(body.overlap_hours.unwrap_or(OVERLAP_HOURS));
    let key = webhooks.key();
    let rotate = move |conn: &mut _| service::rotate(conn, &key, &caller, id.0, overlap, now());
    let rotated = db.tx(rotate).await?;
    let version = rotated.0.version;
    Ok(Answer::ok(&WebhookWithSecret::new(rotated))?.version(version))
}
