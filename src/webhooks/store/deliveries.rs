//! What is to be delivered, and what was.
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz};
use diesel::upsert::excluded;

use crate::db::schema::webhook_deliveries::{self as d, dsl};
use crate::kernel::{PageRequest, TicketId, WebhookDeliveryId, WebhookId};
use crate::webhooks::rules::DeliveryState;

/// An event for a webhook.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = d, check_for_backend(diesel::pg::Pg))]
pub struct Delivery {
    pub id: WebhookDeliveryId,
    pub webhook_id: WebhookId,
    pub position: Option<i64>,
    #[diesel(column_name = type_)]
    pub kind: String,
    pub ticket_id: Option<TicketId>,
    pub ticket_version: Option<i32>,
    pub state: DeliveryState,
    pub attempts: i32,
    pub failures: i32,
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = d)]
pub struct NewDelivery {
    pub id: WebhookDeliveryId,
    pub webhook_id: WebhookId,
    pub position: Option<i64>,
    pub type_: String,
    pub ticket_id: Option<TicketId>,
    pub ticket_version: Option<i32>,
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// Queues them; what was queued before stays as it is.
pub fn queue(conn: &mut PgConnection, new: &[NewDelivery]) -> QueryResult<usize> {
    diesel::insert_into(d::table).values(new).on_conflict_do_nothing().execute(conn)
}

/// Queues them, what has ended once more; returns how many are new in the queue.
pub fn queue_again(conn: &mut PgConnection, new: &[NewDelivery]) -> QueryResult<usize> {
    let anew = diesel::insert_into(d::table)
        .values(new)
        .on_conflict((dsl::webhook_id, dsl::position))
        .do_update()
        .set((
            dsl::state.eq(DeliveryState::Queued),
            dsl::failures.eq(0),
            dsl::due_at.eq(excluded(dsl::due_at)),
            dsl::ended_at.eq(None::<DateTime<Utc>>),
        ));
    let ended = dsl::state.ne(DeliveryState::Queued);
    diesel::query_dsl::methods::FilterDsl::filter(anew, ended).execute(conn)
}

pub fn find_delivery(
    conn: &mut PgConnection,
    id: WebhookDeliveryId,
) -> QueryResult<Option<Delivery>> {
    d::table.find(id).select(Delivery::as_select()).first(conn).optional()
}

pub fn lock_delivery(
    conn: &mut PgConnection,
    id: WebhookDeliveryId,
) -> QueryResult<Option<Delivery>> {
    d::table.find(id).select(Delivery::as_select()).for_no_key_update().first(conn).optional()
}

/// Queues one anew, due at once.
pub fn again(
    conn: &mut PgConnection,
    id: WebhookDeliveryId,
    now: DateTime<Utc>,
) -> QueryResult<Delivery> {
    diesel::update(d::table.find(id))
        .set((
            dsl::state.eq(DeliveryState::Queued),
            dsl::failures.eq(0),
            dsl::due_at.eq(now),
            dsl::ended_at.eq(None::<DateTime<Utc>>),
        ))
        .returning(Delivery::as_returning())
        .get_result(conn)
}

/// Deliveries of a webhook that are due: what is due the longest first, and what came together in the order of the feed.
pub fn due(
    conn: &mut PgConnection,
    webhook: WebhookId,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Delivery>> {
    d::table
        .filter(dsl::webhook_id.eq(webhook).and(dsl::due_at.le(now)))
        // Literal, so that the partial index serves.
        .filter(sql::<Bool>("webhook_deliveries.state = 'queued'"))
        .order((dsl::due_at, dsl::position))
        .limit(limit)
        .select(Delivery::as_select())
        .load(conn)
}

/// How a delivery stands after an attempt.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = d, treat_none_as_null = true)]
pub struct After {
    pub state: DeliveryState,
    pub failures: i32,
    pub due_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Records what became of an attempt; 0 when a later one was begun.
pub fn record(
    conn: &mut PgConnection,
    id: WebhookDeliveryId,
    attempt: i32,
    after: &After,
) -> QueryResult<usize> {
    let present = d::table.find(id).filter(dsl::attempts.eq(attempt));
    diesel::update(present.filter(dsl::state.eq(DeliveryState::Queued))).set(after).execute(conn)
}

/// Which deliveries a list shows.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    pub state: Option<DeliveryState>,
    pub kind: Option<String>,
    pub ticket: Option<TicketId>,
}

/// A page of a webhook's deliveries, the latest first.
pub fn list(
    conn: &mut PgConnection,
    webhook: WebhookId,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> QueryResult<Vec<Delivery>> {
    let mut query = d::table
        .filter(dsl::webhook_id.eq(webhook))
        .select(Delivery::as_select())
        .limit(page.fetch())
        .into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(dsl::state.eq(state));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(dsl::type_.eq(kind));
    }
    if let Some(ticket) = filter.ticket {
        query = query.filter(dsl::ticket_id.eq(ticket));
    }
    let from = page.cursor.as_ref().map(|cursor| WebhookDeliveryId(cursor.id));
    match (from, page.backward()) {
        (Some(id), true) => query.filter(dsl::id.gt(id)).order(dsl::id).load(conn),
        (Some(id), false) => query.filter(dsl::id.lt(id)).order(dsl::id.desc()).load(conn),
        (None, _) => query.order(dsl::id.desc()).load(conn),
    }
}

/// Forgets up to `limit` that ended before `before`.
pub fn forget(conn: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    diesel::sql_query(
        "delete from webhook_deliveries where id in
           (select id from webhook_deliveries where state <> 'queued' and ended_at < $1 limit $2)",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
}

/// How many wait, and since when the one that is due the longest is.
#[derive(Debug, QueryableByName)]
pub struct Figures {
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub due_since: Option<DateTime<Utc>>,
}

/// Those of active webhooks.
pub fn figures(conn: &mut PgConnection) -> QueryResult<Figures> {
    diesel::sql_query(
        "select count(*) as waiting, min(d.due_at) as due_since
           from webhook_deliveries d join webhooks w on w.id = d.webhook_id
          where d.state = 'queued' and w.active",
    )
    .get_result(conn)
}
