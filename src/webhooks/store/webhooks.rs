//! The webhooks, and who serves one.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::webhooks::{self as w, dsl};
use crate::kernel::{PageRequest, WebhookId};
use crate::webhooks::rules::DisabledReason;

/// How exactly is noted when something was delivered last.
const NOTED: TimeDelta = TimeDelta::seconds(10);

/// An address that is told what happens.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = w, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Webhook {
    pub id: WebhookId,
    pub name: String,
    pub url: String,
    pub types: Vec<String>,
    pub account_ids: Vec<Uuid>,
    pub department_ids: Vec<Uuid>,
    pub active: bool,
    pub disabled_reason: Option<DisabledReason>,
    pub sealed_secret: Vec<u8>,
    pub sealed_previous: Option<Vec<u8>>,
    pub previous_until: Option<DateTime<Utc>>,
    pub position: i64,
    pub fence: i64,
    pub rest_until: Option<DateTime<Utc>>,
    pub failures: i32,
    pub delivered_at: Option<DateTime<Utc>>,
    pub created_by: Uuid,
    pub created_by_name: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
}

pub fn insert(conn: &mut PgConnection, webhook: &Webhook) -> QueryResult<usize> {
    diesel::insert_into(w::table).values(webhook).execute(conn)
}

pub fn how_many(conn: &mut PgConnection) -> QueryResult<i64> {
    w::table.count().get_result(conn)
}

pub fn find(conn: &mut PgConnection, id: WebhookId) -> QueryResult<Option<Webhook>> {
    w::table.find(id).select(Webhook::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: WebhookId) -> QueryResult<Option<Webhook>> {
    w::table.find(id).select(Webhook::as_select()).for_no_key_update().first(conn).optional()
}

/// Saves a webhook that is locked.
pub fn save(conn: &mut PgConnection, webhook: &Webhook) -> QueryResult<usize> {
    diesel::update(w::table.find(webhook.id)).set(webhook).execute(conn)
}

pub fn delete(conn: &mut PgConnection, id: WebhookId) -> QueryResult<usize> {
    diesel::delete(w::table.find(id)).execute(conn)
}

/// A page of them, oldest first.
pub fn page(conn: &mut PgConnection, page: &PageRequest) -> QueryResult<Vec<Webhook>> {
    let query = w::table.select(Webhook::as_select()).limit(page.fetch()).into_boxed();
    let from = page.cursor.as_ref().map(|cursor| WebhookId(cursor.id));
    match (from, page.backward()) {
        (Some(id), true) => query.filter(dsl::id.lt(id)).order(dsl::id.desc()).load(conn),
        (Some(id), false) => query.filter(dsl::id.gt(id)).order(dsl::id).load(conn),
        (None, _) => query.order(dsl::id).load(conn),
    }
}

/// The active webhook that is furthest behind the feed's end, locked; those at which others are are passed over.
pub fn lock_behind(conn: &mut PgConnection, published: i64) -> QueryResult<Option<Webhook>> {
    w::table
        .filter(dsl::active.and(dsl::position.lt(published)))
        .order(dsl::position)
        .select(Webhook::as_select())
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .optional()
}

/// Its deliveries are queued up to here.
pub fn advance(conn: &mut PgConnection, id: WebhookId, position: i64) -> QueryResult<usize> {
    diesel::update(w::table.find(id)).set(dsl::position.eq(position)).execute(conn)
}

/// Leases every webhook that has something to be delivered and that nobody serves.
pub fn claim(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> QueryResult<Vec<Webhook>> {
    #[derive(QueryableByName)]
    struct Claimed {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let claimed: Vec<Claimed> = diesel::sql_query(
        "update webhooks set fence = fence + 1, lease_until = $2
          where id in (select id from webhooks w
                        where active and coalesce(lease_until, $1) <= $1 and coalesce(rest_until, $1) <= $1
                          and exists (select from webhook_deliveries d
                                       where d.webhook_id = w.id and d.state = 'queued' and d.due_at <= $1)
                          for no key update skip locked)
          returning id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(lease_until)
    .load(conn)?;
    if claimed.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = claimed.into_iter().map(|row| row.id).collect();
    w::table.filter(dsl::id.eq_any(ids)).select(Webhook::as_select()).load(conn)
}

/// Renews the lease; 0 when another serves it.
pub fn renew(
    conn: &mut PgConnection,
    id: WebhookId,
    fence: i64,
    until: DateTime<Utc>,
) -> QueryResult<usize> {
    let held = w::table.find(id).filter(dsl::fence.eq(fence));
    diesel::update(held).set(dsl::lease_until.eq(until)).execute(conn)
}

/// Gives the lease back.
pub fn release(conn: &mut PgConnection, id: WebhookId, fence: i64) -> QueryResult<usize> {
    let held = w::table.find(id).filter(dsl::fence.eq(fence));
    diesel::update(held).set(dsl::lease_until.eq(None::<DateTime<Utc>>)).execute(conn)
}

/// The receiver took something. Noted every few seconds: what is sent side by side would wait for the row.
pub fn answered(conn: &mut PgConnection, id: WebhookId, now: DateTime<Utc>) -> QueryResult<usize> {
    let news = dsl::failures
        .ne(0)
        .or(dsl::delivered_at.is_null())
        .or(dsl::delivered_at.lt(now - NOTED).assume_not_null());
    diesel::update(w::table.find(id).filter(news))
        .set((dsl::failures.eq(0), dsl::delivered_at.eq(now)))
        .execute(conn)
}

/// An attempt failed; `rest_until`: the receiver asked to be left alone.
pub fn failed(
    conn: &mut PgConnection,
    id: WebhookId,
    rest_until: Option<DateTime<Utc>>,
) -> QueryResult<usize> {
    diesel::sql_query(
        "update webhooks set failures = failures + 1, rest_until = coalesce($2, rest_until) where id = $1",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Nullable<Timestamptz>, _>(rest_until)
    .execute(conn)
}

/// The sealed secrets of a webhook: its own, and the one before.
pub type Sealed = (WebhookId, Vec<u8>, Option<Vec<u8>>);

/// The sealed secrets of every webhook, locked.
pub fn sealed(conn: &mut PgConnection) -> QueryResult<Vec<Sealed>> {
    let rows = w::table.order(dsl::id);
    rows.select((dsl::id, dsl::sealed_secret, dsl::sealed_previous)).for_no_key_update().load(conn)
}

/// Replaces them; the rows are locked, and what was opened stays as it was.
pub fn replace_sealed(conn: &mut PgConnection, new: &[Sealed]) -> QueryResult<usize> {
    let ids: Vec<Uuid> = new.iter().map(|(id, ..)| id.0).collect();
    let secrets: Vec<&[u8]> = new.iter().map(|(_, secret, _)| secret.as_slice()).collect();
    let previous: Vec<Option<&[u8]>> = new.iter().map(|(.., sealed)| sealed.as_deref()).collect();
    diesel::sql_query(
        "update webhooks w set sealed_secret = new.secret, sealed_previous = new.previous
           from unnest($1, $2, $3) as new (id, secret, previous) where w.id = new.id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Binary>, _>(secrets)
    .bind::<Array<Nullable<Binary>>, _>(previous)
    .execute(conn)
}
