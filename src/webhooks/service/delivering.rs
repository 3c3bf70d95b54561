//! What is sent next, and what became of it. The sending itself is not here: it happens outside of transactions.
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::webhooks::disable;
use crate::events::{self, Event, EventView};
use crate::kernel::{AppError, WebhookId};
use crate::webhooks::rules::{DeliveryState, DisabledReason, Ended, Next, next};
use crate::webhooks::sender::Message;
use crate::webhooks::store::{self, After, Delivery, Figures, Webhook};

/// Deliveries of a turn at the most.
const TURN: i64 = 100;
/// How long a delivery that has ended is kept, with its attempts.
const KEEP: TimeDelta = TimeDelta::days(30);
/// Deliveries that are forgotten at a time.
const FORGET: i64 = 1_000;

/// Something to be sent.
pub struct Due {
    pub delivery: Delivery,
    pub message: Message,
}

/// Deliveries that must not overtake each other: of one ticket, or one by itself.
pub type Lot = Vec<Due>;

/// What is sent: what the specification recommends.
#[derive(Serialize)]
struct Payload<T> {
    r#type: String,
    timestamp: DateTime<Utc>,
    data: T,
}

/// Leases every webhook that has something to be delivered and that nobody serves.
pub fn claim(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Vec<Webhook>, AppError> {
    Ok(store::claim(conn, now, lease_until)?)
}

/// Gives the lease back.
pub fn release(conn: &mut PgConnection, id: WebhookId, fence: i64) -> Result<(), AppError> {
    store::release(conn, id, fence)?;
    Ok(())
}

/// What a webhook is to be sent now, in lots that may be sent side by side.
pub fn due(
    conn: &mut PgConnection,
    webhook: WebhookId,
    now: DateTime<Utc>,
) -> Result<Vec<Lot>, AppError> {
    let deliveries = store::due(conn, webhook, now, TURN)?;
    let positions: Vec<i64> = deliveries.iter().filter_map(|one| one.position).collect();
    let events = events::at(conn, &positions)?;
    let mut events: HashMap<Option<i64>, Event> =
        events.into_iter().map(|event| (event.position, event)).collect();
    let (mut lots, mut places): (Vec<Lot>, HashMap<Uuid, usize>) = Default::default();
    for delivery in deliveries {
        let of = delivery.ticket_id.map_or(delivery.id.0, |ticket| ticket.0);
        let place = *places.entry(of).or_insert(lots.len());
        if place == lots.len() {
            lots.push(Vec::new());
        }
        let message = message(&delivery, events.remove(&delivery.position))?;
        lots[place].push(Due { delivery, message });
    }
    // What is due longer, for a retry, may be the later one.
    lots.iter_mut().for_each(|lot| lot.sort_by_key(|one| one.delivery.position));
    Ok(lots)
}

/// What is sent for a delivery; its id is the same in each attempt and in each replay.
pub fn message(delivery: &Delivery, event: Option<Event>) -> Result<Message, AppError> {
    let kind = delivery.kind.clone();
    let body = match (delivery.position, event) {
        (None, _) => serde_json::to_string(&Payload {
            r#type: kind,
            timestamp: delivery.created_at,
            data: json!({ "webhook_id": delivery.webhook_id }),
        }),
        (Some(_), Some(event)) => serde_json::to_string(&Payload {
            r#type: kind,
            timestamp: event.occurred_at,
            data: EventView::from(event),
        }),
        (Some(position), None) => {
            return Err(AppError::Internal(anyhow::anyhow!("there is no event at {position}")));
        }
    };
    Ok(Message { id: message_id(delivery), body: body.map_err(AppError::internal)? })
}

/// What the receiver knows a delivery by.
pub fn message_id(delivery: &Delivery) -> String {
    let id = match delivery.position {
        Some(position) => Uuid::new_v5(&delivery.webhook_id.0, &position.to_be_bytes()),
        None => delivery.id.0,
    };
    format!("msg_{}", id.simple())
}

/// Notes that an attempt begins; returns its number, or `None` when it is not to be made.
pub fn begin(
    conn: &mut PgConnection,
    delivery: &Delivery,
    fence: i64,
    now: DateTime<Utc>,
) -> Result<Option<i32>, AppError> {
    Ok(store::begin(conn, delivery, fence, now)?)
}

/// Records how an attempt ended, unless a later one was begun; false when this webhook is to be sent nothing more for now.
pub fn record(
    conn: &mut PgConnection,
    delivery: &Delivery,
    attempt: i32,
    ended: &Ended,
    (now, jitter): (DateTime<Utc>, f64),
) -> Result<bool, AppError> {
    store::end(conn, delivery.id, attempt, ended)?;
    let failures = delivery.failures;
    let after = match next(ended, failures, delivery.position.is_none(), now, jitter) {
        Next::Delivered => {
            After { state: DeliveryState::Delivered, failures, due_at: now, ended_at: Some(now) }
        }
        Next::Dead => After {
            state: DeliveryState::Dead,
            failures: failures + 1,
            due_at: now,
            ended_at: Some(now),
        },
        Next::Again(due_at) => {
            After { state: DeliveryState::Queued, failures: failures + 1, due_at, ended_at: None }
        }
    };
    store::record(conn, delivery.id, attempt, &after)?;
    if ended.is_delivered() {
        store::answered(conn, delivery.webhook_id, now)?;
        return Ok(true);
    }
    let rest_until = ended.rest_until(now);
    store::failed(conn, delivery.webhook_id, rest_until)?;
    if ended.is_gone() {
        disable(conn, delivery.webhook_id, DisabledReason::Gone, now)?;
    }
    Ok(rest_until.is_none() && !ended.is_gone())
}

/// How many deliveries wait, and since when the one that is due the longest is.
pub fn figures(conn: &mut PgConnection) -> Result<Figures, AppError> {
    Ok(store::figures(conn)?)
}

/// Forgets some deliveries that ended long ago; false when there are none.
pub fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    Ok(store::forget(conn, now - KEEP, FORGET)? > 0)
}
