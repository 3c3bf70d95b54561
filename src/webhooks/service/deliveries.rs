//! What people see of deliveries, and do about them.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::delivering::message;
use super::{find, require};
use crate::events;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, WebhookDeliveryId, WebhookId};
use crate::webhooks::sender::Message;
use crate::webhooks::store::{self, Attempt, Delivery, DeliveryFilter, NewDelivery, Webhook};

const MISSING: AppError = AppError::NotFound("the delivery");
/// The type of what tests a webhook.
const TEST: &str = "webhook.test";

/// A delivery with every attempt, and what is sent.
pub struct Told {
    pub delivery: Delivery,
    pub attempts: Vec<Attempt>,
    pub message: Message,
}

/// A page of a webhook's deliveries, latest first.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WebhookId,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> Result<Page<Delivery>, AppError> {
    require(actor, &[Permission::WebhooksRead])?;
    find(conn, id)?;
    let rows = store::list(conn, id, filter, page)?;
    Ok(page.page(rows, |delivery| (Value::Null, delivery.id.0)))
}

pub fn delivery(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WebhookDeliveryId,
) -> Result<Told, AppError> {
    require(actor, &[Permission::WebhooksRead, Permission::EventsRead])?;
    let delivery = store::find_delivery(conn, id)?.ok_or(MISSING)?;
    tell(conn, delivery)
}

fn tell(conn: &mut PgConnection, delivery: Delivery) -> Result<Told, AppError> {
    let attempts = store::attempts(conn, delivery.id)?;
    let event = delivery.position.map(|position| events::at(conn, &[position])).transpose()?;
    let message = message(&delivery, event.and_then(|mut found| found.pop()))?;
    Ok(Told { delivery, attempts, message })
}

/// Fails with `webhook_inactive`.
pub(super) fn require_active(webhook: &Webhook) -> Result<(), AppError> {
    match webhook.active {
        true => Ok(()),
        false => Err(AppError::conflict("webhook_inactive", "the webhook is switched off")),
    }
}

/// Queues a test, which is sent once. Fails with `webhook_inactive`.
pub fn test(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WebhookId,
    now: DateTime<Utc>,
) -> Result<Told, AppError> {
    require(actor, &[Permission::WebhooksWrite])?;
    require_active(&find(conn, id)?)?;
    let new = NewDelivery {
        id: WebhookDeliveryId::new(),
        webhook_id: id,
        position: None,
        type_: TEST.into(),
        ticket_id: None,
        ticket_version: None,
        due_at: now,
        created_at: now,
    };
    store::queue(conn, std::slice::from_ref(&new))?;
    let delivery = store::find_delivery(conn, new.id)?.ok_or(MISSING)?;
    tell(conn, delivery)
}

/// Queues a delivery anew, whatever became of it; its schedule begins again. Fails with `webhook_inactive`.
pub fn replay(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WebhookDeliveryId,
    now: DateTime<Utc>,
) -> Result<Told, AppError> {
    require(actor, &[Permission::WebhooksWrite, Permission::EventsRead])?;
    let delivery = store::lock_delivery(conn, id)?.ok_or(MISSING)?;
    require_active(&find(conn, delivery.webhook_id)?)?;
    let delivery = store::again(conn, id, now)?;
    tell(conn, delivery)
}
