//! What became of what was sent, and sending it once more.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, Params, PathId, now};
use crate::jobs::JobView;
use crate::kernel::{
    AppError, Page, PageRequest, Permission, TicketId, WebhookDeliveryId, WebhookId,
};
use crate::webhooks::Webhooks;
use crate::webhooks::rules::DeliveryState;
use crate::webhooks::service::{self, Replay, Told};
use crate::webhooks::store::{Attempt, Delivery, DeliveryFilter};

/// An event for a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDelivery {
    id: WebhookDeliveryId,
    webhook_id: WebhookId,
    /// The event's type, or `webhook.test`.
    #[schema(example = "ticket.opened")]
    r#type: String,
    /// Where the event stands in the feed; null of a test.
    #[schema(example = 4711)]
    position: Option<i64>,
    ticket_id: Option<TicketId>,
    #[schema(example = 3)]
    ticket_version: Option<i32>,
    state: DeliveryState,
    /// Attempts that were made.
    #[schema(example = 1)]
    attempts: i32,
    /// When the next one is due; null when there is none.
    next_attempt_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    ended_at: Option<DateTime<Utc>>,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Queued;
        Self {
            id: delivery.id,
            webhook_id: delivery.webhook_id,
            r#type: delivery.kind,
            position: delivery.position,
            ticket_id: delivery.ticket_id,
            ticket_version: delivery.ticket_version,
            state: delivery.state,
            attempts: delivery.attempts,
            next_attempt_at: waits.then_some(delivery.due_at),
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
        }
    }
}

/// One attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookAttempt {
    #[schema(example = 1)]
    attempt: i32,
    started_at: DateTime<Utc>,
    /// Null while it is under way, and when the service was stopped in the middle: nobody knows whether it arrived.
    #[schema(example = 84)]
    duration_ms: Option<i32>,
    /// What the receiver answered.
    #[schema(example = 204)]
    status: Option<i32>,
    /// Why there was no answer.
    #[schema(example = json!(null))]
    error: Option<String>,
    /// The beginning of the answer's body; forgotten when the ticket is redacted.
    #[schema(example = json!(null))]
    response: Option<String>,
}

impl From<Attempt> for WebhookAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            status: attempt.status,
            error: attempt.error,
            response: attempt.response,
        }
    }
}

/// A delivery with every attempt, and what is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDeliveryDetail {
    #[serde(flatten)]
    delivery: WebhookDelivery,
    /// What the receiver sees as `webhook-id`: the same in each attempt and each replay.
    #[schema(example = "msg_0d5f4f0a1f5e5c0e9d0b6a3c2e1f0a9b")]
    message_id: String,
    /// What is sent.
    #[schema(value_type = Object, example = json!({
        "type": "ticket.opened", "timestamp": "2026-11-20T08:00:00Z", "data": {"position": 4711, "ticket_version": 1},
    }))]
    message: Value,
    /// The first one first.
    log: Vec<WebhookAttempt>,
}

impl WebhookDeliveryDetail {
    fn new(told: Told) -> Result<Self, AppError> {
        Ok(Self {
            delivery: told.delivery.into(),
            message_id: told.message.id,
            message: serde_json::from_str(&told.message.body).map_err(AppError::internal)?,
            log: told.attempts.into_iter().map(WebhookAttempt::from).collect(),
        })
    }
}

/// Test a webhook
///
/// Queues a message of the type `webhook.test`, which is sent once and at once. Its delivery tells how that ended.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookId, Path), Idempotency),
    security(("client_credentials" = ["webhooks:write"])),
    responses((status = 201, description = "The delivery", body = WebhookDeliveryDetail)),
)]
#[post("/webhooks/{id}/ping")]
pub async fn test_webhook(
    db: web::Data<Db>,
    webhooks: web::Data<Webhooks>,
    caller: Caller,
    id: PathId<WebhookId>,
    idempotency: Idempotency,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksWrite)?;
    let fingerprint = format!("ping {}", id.0).into_bytes();
    let test = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let told = service::test(conn, &caller, id.0, now())?;
            let location = format!("/v1/webhook-deliveries/{}", told.delivery.id);
            Answer::created(location, &WebhookDeliveryDetail::new(told)?)
        })
    };
    let answer = db.quiet_tx(test).await?;
    webhooks.wake();
    Ok(answer)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DeliveryQuery {
    state: Option<DeliveryState>,
    /// Of this type.
    #[param(example = "ticket.opened")]
    r#type: Option<String>,
    ticket_id: Option<TicketId>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List a webhook's deliveries, latest first
///
/// Those that wait, those that arrived and those that were given up; what has ended is kept for 30 days.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookId, Path), DeliveryQuery),
    security(("client_credentials" = ["webhooks:read"])),
    responses((status = 200, description = "A page of deliveries", body = Page<WebhookDelivery>)),
)]
#[get("/webhooks/{id}/deliveries")]
pub async fn list_webhook_deliveries(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WebhookId>,
    query: Params<DeliveryQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksRead)?;
    let query = query.0;
    let filter = DeliveryFilter { state: query.state, kind: query.r#type, ticket: query.ticket_id };
    let binding = format!("webhook deliveries {} {filter:?}", id.0);
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list(conn, &caller, id.0, &filter, &request)).await?;
    Answer::page(&page.map(WebhookDelivery::from))
}

/// Get a delivery with every attempt
///
/// When each attempt began, how long it took, and the status and the beginning of the body that the endpoint answered.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookDeliveryId, Path)),
    security(
        ("client_credentials" = ["webhooks:read", "events:read"]),
    ),
    responses((status = 200, description = "The delivery", body = WebhookDeliveryDetail)),
)]
#[get("/webhook-deliveries/{id}")]
pub async fn get_webhook_delivery(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WebhookDeliveryId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksRead)?;
    let told = db.read(move |conn| service::delivery(conn, &caller, id.0)).await?;
    Answer::ok(&WebhookDeliveryDetail::new(told)?)
}

/// Send a delivery once more
///
/// Whatever became of it; its schedule begins again. The receiver sees the same `webhook-id` as before.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookDeliveryId, Path)),
    security(
        ("client_credentials" = ["webhooks:write", "events:read"]),
    ),
    responses((status = 200, description = "The delivery, queued", body = WebhookDeliveryDetail)),
)]
#[post("/webhook-deliveries/{id}/replay")]
pub async fn replay_webhook_delivery(
    db: web::Data<Db>,
    webhooks: web::Data<Webhooks>,
    caller: Caller,
    id: PathId<WebhookDeliveryId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksWrite)?;
    let told = db.quiet_tx(move |conn| service::replay(conn, &caller, id.0, now())).await?;
    webhooks.wake();
    Answer::ok(&WebhookDeliveryDetail::new(told)?)
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayWebhook {
    /// What happened at this time or later.
    #[garde(skip)]
    #[schema(example = "2026-11-20T08:00:00Z")]
    since: DateTime<Utc>,
    /// And before this time; until now when absent.
    #[garde(skip)]
    #[schema(example = json!(null))]
    until: Option<DateTime<Utc>>,
    /// Of these types or groups of them alone, such as `ticket.*`.
    #[serde(default)]
    #[garde(length(max = 100))]
    #[schema(example = json!([]))]
    types: Vec<String>,
    /// Of this ticket alone.
    #[garde(skip)]
    #[schema(example = json!(null))]
    ticket_id: Option<TicketId>,
}

/// Send a webhook what happened since a time once more
///
/// A job queues the events that the webhook asks for anew, also those from before there was a webhook. The receiver sees the same
/// `webhook-id` as the first time.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = WebhookId, Path), Idempotency),
    request_body = ReplayWebhook,
    security(
        ("client_credentials" = ["webhooks:write", "events:read"]),
    ),
    responses((status = 202, description = "The job", body = JobView)),
)]
#[post("/webhooks/{id}/replay")]
pub async fn replay_webhook(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<WebhookId>,
    key: Idempotency,
    body: Body<ReplayWebhook>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WebhooksWrite)?;
    let (fingerprint, asked) = (body.fingerprint.clone(), body.into_inner());
    let replay = Replay {
        since: asked.since,
        until: asked.until,
        types: asked.types,
        ticket_id: asked.ticket_id,
    };
    db.quiet_tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            JobView::accepted(service::replay_since(conn, &caller, id.0, replay, now())?)
        })
    })
    .await
}
