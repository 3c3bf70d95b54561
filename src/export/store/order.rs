//! In which order tickets changed.
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};

use crate::db::schema::{event_feed, events, export_head, export_marks};
use crate::kernel::TicketId;

/// The last position given, and up to where the change feed was looked through; locked, so that positions are seen in their order.
pub fn lock_head(conn: &mut PgConnection) -> QueryResult<(i64, i64)> {
    let head = export_head::table.select((export_head::last_position, export_head::feed_position));
    head.for_update().first(conn)
}

pub fn save_head(conn: &mut PgConnection, last: i64, feed: i64) -> QueryResult<usize> {
    diesel::update(export_head::table)
        .set((export_head::last_position.eq(last), export_head::feed_position.eq(feed)))
        .execute(conn)
}

/// The position of the change feed that was given last.
pub fn published(conn: &mut PgConnection) -> QueryResult<i64> {
    event_feed::table.select(event_feed::last_position).first(conn)
}

/// The tickets of the events behind `after`, up to and including `until`.
pub fn changed(conn: &mut PgConnection, after: i64, until: i64) -> QueryResult<Vec<TicketId>> {
    events::table
        .filter(events::position.gt(after))
        .filter(events::position.le(until))
        .filter(events::ticket_id.is_not_null())
        .select(events::ticket_id.assume_not_null())
        .distinct()
        .load(conn)
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = SqlUuid)]
    ticket_id: TicketId,
}

/// Takes up to `limit` touches away; a ticket can be among them more than once.
pub fn take_touched(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<TicketId>> {
    let taken: Vec<Touched> = diesel::sql_query(
        "delete from export_touches where id in (select id from export_touches order by id limit $1) returning ticket_id",
    )
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(taken.into_iter().map(|touched| touched.ticket_id).collect())
}

/// Gives these tickets, each of which is there once, the positions behind `last`.
pub fn mark(conn: &mut PgConnection, tickets: &[TicketId], last: i64) -> QueryResult<usize> {
    let ids: Vec<_> = tickets.iter().map(|ticket| ticket.0).collect();
    diesel::sql_query(
        "insert into export_marks (ticket_id, position)
         select ticket_id, $2 + place from unnest($1) with ordinality as changed (ticket_id, place)
         on conflict (ticket_id) do update set position = excluded.position",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<BigInt, _>(last)
    .execute(conn)
}

/// The transaction sees one state, and writes nothing. Call it first.
pub fn see_one_state(conn: &mut PgConnection) -> QueryResult<()> {
    conn.batch_execute("set transaction isolation level repeatable read, read only")
}

/// Up to `limit` tickets behind a position, in the order in which they changed.
pub fn behind(
    conn: &mut PgConnection,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<(i64, TicketId)>> {
    export_marks::table
        .filter(export_marks::position.gt(after))
        .order(export_marks::position)
        .limit(limit)
        .select((export_marks::position, export_marks::ticket_id))
        .load(conn)
}
