//! What triage asks of the tickets.
use diesel::dsl::{count_star, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, SmallInt};
use uuid::Uuid;

use super::find::{revision, visible};
use super::row::{Located, Summary, Ticket};
use super::sql::{IsOpen, LessUrgent, Limited, order_of_urgency};
use super::waiting::Urgency;
use crate::db::schema::tickets;
use crate::kernel::{Actor, Priority, TicketId};

/// The tickets that wait for triage and that the caller may see behind (or, `backward`, before) a place, nearest first.
pub fn untriaged(
    conn: &mut PgConnection,
    actor: &Actor,
    from: Option<Urgency>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Located<Summary>>> {
    let mut query = tickets::table
        .into_boxed()
        .filter(visible(actor))
        .filter(tickets::severity.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen);
    if let Some(place) = from {
        query = query.filter(LessUrgent { than: place, reversed: backward });
    }
    let query = query.order(order_of_urgency(backward)).select((Summary::as_select(), revision()));
    Limited { query, rows: limit }.load(conn)
}

/// How many tickets wait for triage, by priority; it costs what they cost, so only on request.
pub fn untriaged_counts(
    conn: &mut PgConnection,
    actor: &Actor,
) -> QueryResult<Vec<(Priority, i64)>> {
    tickets::table
        .filter(visible(actor))
        .filter(tickets::severity.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen)
        .group_by(tickets::priority)
        .select((tickets::priority, count_star()))
        .load(conn)
}

/// The triaged open tickets whose priority is not what the matrix says; of those whose priority was chosen by hand, if
/// `manual`. `cells` are the matrix row by row.
fn differs<'a>(cells: &[Priority], manual: bool) -> tickets::BoxedQuery<'a, Pg> {
    let ranks: Vec<i16> = cells.iter().map(|priority| priority.rank()).collect();
    let other = sql::<Bool>("tickets.priority <> (")
        .bind::<Array<SmallInt>, _>(ranks)
        .sql(")[(tickets.severity - 1) * 4 + tickets.impact]");
    let by_hand = if manual { "tickets.priority_manual" } else { "not tickets.priority_manual" };
    tickets::table
        .into_boxed()
        .filter(tickets::severity.is_not_null())
        .filter(sql::<Bool>(by_hand))
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen)
        .filter(other)
}

/// How many open tickets this matrix would change.
pub fn differing_count(conn: &mut PgConnection, cells: &[Priority]) -> QueryResult<i64> {
    differs(cells, false).select(sql::<BigInt>("count(*)")).get_result(conn)
}

/// How many it would change if their priority had not been chosen by hand.
pub fn manual_count(conn: &mut PgConnection, cells: &[Priority]) -> QueryResult<i64> {
    differs(cells, true).select(sql::<BigInt>("count(*)")).get_result(conn)
}

/// Locks up to `limit` of the tickets that this matrix would change, behind `after`, in the order of their ids.
pub fn differing(
    conn: &mut PgConnection,
    cells: &[Priority],
    after: Uuid,
    limit: i64,
) -> QueryResult<Vec<Located<Ticket>>> {
    let ids: Vec<TicketId> = differs(cells, false)
        .filter(tickets::id.gt(TicketId(after)))
        .order(tickets::id)
        .limit(limit)
        .select(tickets::id)
        .load(conn)?;
    tickets::table
        .filter(tickets::id.eq_any(ids))
        .order(tickets::id)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .load(conn)
}
