//! Queries of the bulk jobs.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::{bulk_items as items, bulk_jobs as jobs};
use crate::kernel::{Erasure, JobId, TicketId};

/// What was asked for, and by whom.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct Order {
    pub job_id: JobId,
    pub operation: String,
    pub body: Value,
    pub started_by: Uuid,
    /// What they were permitted then.
    pub permissions: Vec<String>,
}

/// Inserts the order with its tickets, in this order.
pub fn insert(conn: &mut PgConnection, order: &Order, tickets: &[TicketId]) -> QueryResult<usize> {
    diesel::insert_into(jobs::table).values(order).execute(conn)?;
    let ids: Vec<Uuid> = tickets.iter().map(|id| id.0).collect();
    diesel::sql_query(
        "insert into bulk_items (job_id, seq, ticket_id)
         select $1, n, id from unnest($2) with ordinality as chosen (id, n)",
    )
    .bind::<SqlUuid, _>(order.job_id.0)
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(conn)
}

pub fn order(conn: &mut PgConnection, job: JobId) -> QueryResult<Option<Order>> {
    jobs::table.find(job).select(Order::as_select()).first(conn).optional()
}

/// The next tickets that were not worked on: number and id.
pub fn waiting(
    conn: &mut PgConnection,
    job: JobId,
    limit: i64,
) -> QueryResult<Vec<(i32, TicketId)>> {
    items::table
        .filter(items::job_id.eq(job).and(items::status.is_null()))
        .order(items::seq)
        .limit(limit)
        .select((items::seq, items::ticket_id))
        .load(conn)
}

/// What became of a ticket.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = items, check_for_backend(diesel::pg::Pg))]
pub struct Item {
    pub seq: i32,
    pub ticket_id: TicketId,
    pub status: Option<i16>,
    pub version: Option<i32>,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub done_at: Option<DateTime<Utc>>,
}

/// Writes the outcome of a ticket that has none; returns 0 when it has one.
pub fn record(conn: &mut PgConnection, job: JobId, item: &Item) -> QueryResult<usize> {
    diesel::update(items::table.find((job, item.seq)).filter(items::status.is_null()))
        .set((
            items::status.eq(item.status),
            items::version.eq(item.version),
            items::code.eq(&item.code),
            items::detail.eq(&item.detail),
            items::done_at.eq(item.done_at),
        ))
        .execute(conn)
}

/// The tickets of a job that were worked on, of those refused only if `refused`, behind (or, `backward`, before) a number.
pub fn outcomes(
    conn: &mut PgConnection,
    job: JobId,
    refused: bool,
    from: Option<i32>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Item>> {
    let mut query = items::table
        .filter(items::job_id.eq(job).and(items::status.is_not_null()))
        .limit(limit)
        .select(Item::as_select())
        .into_boxed();
    if refused {
        query = query.filter(items::status.ge(400));
    }
    query = match (from, backward) {
        (Some(seq), true) => query.filter(items::seq.lt(seq)),
        (Some(seq), false) => query.filter(items::seq.gt(seq)),
        (None, _) => query,
    };
    match backward {
        true => query.order(items::seq.desc()).load(conn),
        false => query.order(items::seq).load(conn),
    }
}

/// Takes a secret out of what was asked for, of the jobs that this ticket was in.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let of_ticket = items::table.filter(items::ticket_id.eq(ticket)).select(items::job_id);
    let orders: Vec<Order> =
        jobs::table.filter(jobs::job_id.eq_any(of_ticket)).select(Order::as_select()).load(conn)?;
    for mut order in orders {
        if erasure.written(&mut order.body) {
            diesel::update(jobs::table.find(order.job_id))
                .set(jobs::body.eq(order.body))
                .execute(conn)?;
        }
    }
    Ok(())
}
