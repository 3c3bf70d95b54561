//! The log of attempts.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Timestamptz, Uuid as SqlUuid};

use crate::db::schema::webhook_attempts as a;
use crate::kernel::{TicketId, WebhookDeliveryId};
use crate::webhooks::rules::Ended;

use super::deliveries::Delivery;

/// One attempt to deliver.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = a, check_for_backend(diesel::pg::Pg))]
pub struct Attempt {
    pub attempt: i32,
    pub started_at: DateTime<Utc>,
    pub duration_ms: Option<i32>,
    pub status: Option<i32>,
    pub error: Option<String>,
    pub response: Option<String>,
}

/// Every attempt of a delivery, the first one first.
pub fn attempts(conn: &mut PgConnection, id: WebhookDeliveryId) -> QueryResult<Vec<Attempt>> {
    a::table.filter(a::delivery_id.eq(id)).order(a::attempt).select(Attempt::as_select()).load(conn)
}

/// Notes that an attempt begins; returns its number, or `None` when another serves the webhook, it was switched off, or the delivery is
/// not what it was when it was read.
pub fn begin(
    conn: &mut PgConnection,
    delivery: &Delivery,
    fence: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<i32>> {
    #[derive(QueryableByName)]
    struct Begun {
        #[diesel(sql_type = Integer)]
        attempt: i32,
    }
    let begun: Option<Begun> = diesel::sql_query(
        "with begun as
           (update webhook_deliveries d set attempts = attempts + 1
             where id = $1 and state = 'queued' and attempts = $2
               and exists (select from webhooks w where w.id = d.webhook_id and w.fence = $3 and w.active)
            returning id, attempts)
         insert into webhook_attempts (delivery_id, attempt, started_at) select id, attempts, $4 from begun
         returning attempt",
    )
    .bind::<SqlUuid, _>(delivery.id.0)
    .bind::<Integer, _>(delivery.attempts)
    .bind::<BigInt, _>(fence)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .optional()?;
    Ok(begun.map(|row| row.attempt))
}

/// Notes how an attempt ended.
pub fn end(
    conn: &mut PgConnection,
    id: WebhookDeliveryId,
    attempt: i32,
    ended: &Ended,
) -> QueryResult<usize> {
    let duration = i32::try_from(ended.took.num_milliseconds()).unwrap_or(i32::MAX);
    diesel::update(a::table.find((id, attempt)))
        .set((
            a::duration_ms.eq(duration),
            a::status.eq(ended.status.map(i32::from)),
            a::error.eq(&ended.error),
            a::response.eq(&ended.response),
        ))
        .execute(conn)
}

/// Forgets what receivers said to events of a ticket: it may repeat what they were sent.
pub fn forget_answers(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<usize> {
    diesel::sql_query(
        "update webhook_attempts a set response = null from webhook_deliveries d
          where d.id = a.delivery_id and d.ticket_id = $1 and a.response is not null",
    )
    .bind::<SqlUuid, _>(ticket.0)
    .execute(conn)
}
