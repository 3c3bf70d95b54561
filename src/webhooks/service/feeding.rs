//! From the feed into the queues.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::events::{self, Event, Filter};
use crate::kernel::{
    AccountId, Actor, AppError, DepartmentId, Origin, Permission, Role, WebhookDeliveryId,
};
use crate::webhooks::rules;
use crate::webhooks::store::{self, NewDelivery, Webhook};

/// Events of a step.
const BATCH: i64 = 500;

/// Queues what happened since for the webhook that is furthest behind; false when none is, or others are at them. The feed decides
/// what a webhook sees, as it does for every reader.
pub fn feed_next(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let published = events::last_position(conn)?;
    let Some(webhook) = store::lock_behind(conn, published)? else { return Ok(false) };
    let mut filter = filter(&webhook);
    (filter.after, filter.limit) = (webhook.position, BATCH);
    let (news, until) = events::feed(conn, &filter, &reader(&webhook))?;
    store::queue(conn, &deliveries(&webhook, news, now))?;
    store::advance(conn, webhook.id, until)?;
    Ok(true)
}

/// What a webhook asks for.
pub fn filter(webhook: &Webhook) -> Filter {
    Filter {
        // They were known when they were saved; a type that is gone happens no more.
        types: rules::types(&webhook.types).unwrap_or_default(),
        accounts: webhook.account_ids.iter().copied().map(AccountId).collect(),
        departments: webhook.department_ids.iter().copied().map(DepartmentId).collect(),
        naming: Some(webhook.id),
        ..Filter::default()
    }
}

/// As whom a webhook reads the feed: a program that sees every ticket, and is nobody in person.
pub fn reader(webhook: &Webhook) -> Actor {
    Actor {
        id: webhook.id.0,
        role: Role::Integration,
        name: webhook.name.clone(),
        permissions: vec![Permission::EventsRead],
        origin: Origin::Api,
        departments: Vec::new(),
        accounts: Vec::new(),
    }
}

/// These events for this webhook, due now.
pub fn deliveries(webhook: &Webhook, news: Vec<Event>, now: DateTime<Utc>) -> Vec<NewDelivery> {
    let delivery = |event: Event| NewDelivery {
        id: WebhookDeliveryId::new(),
        webhook_id: webhook.id,
        position: event.position,
        type_: event.kind,
        ticket_id: event.ticket_id,
        ticket_version: event.ticket_version,
        due_at: now,
        created_at: now,
    };
    news.into_iter().map(delivery).collect()
}
