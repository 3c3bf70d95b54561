//! What triage asks of the tickets.
use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::find::{revision, visible};
use super::row::{Located, Summary, Ticket};
use super::sql::{IsOpen, Limited};
use crate::db::schema::tickets;
use crate::kernel::{Actor, PageRequest, Priority, TicketId};

/// Where a page of the queue starts.
#[derive(Debug, Clone, Copy)]
pub struct QueueKey {
    pub priority: Priority,
    pub created_at: DateTime<Utc>,
    pub id: Uuid,
}

fn negated_priority() -> SqlLiteral<SmallInt> {
    sql("(-tickets.priority)")
}

/// The rows of a page of the queue and one more: most urgent first, then oldest; the other way round when it goes backward.
pub fn untriaged(
    conn: &mut PgConnection,
    actor: &Actor,
    page: &PageRequest,
    key: Option<QueueKey>,
) -> QueryResult<Vec<Located<Summary>>> {
    let mut query = tickets::table
        .into_boxed()
        .filter(visible(actor))
        .filter(tickets::severity.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen);
    if let Some(key) = key {
        let order = "((-tickets.priority), tickets.created_at, tickets.id)";
        let than = if page.backward() { "<" } else { ">" };
        query = query.filter(
            sql::<Bool>(&format!("{order} {than} ("))
                .bind::<SmallInt, _>(-key.priority.rank())
                .sql(", ")
                .bind::<Timestamptz, _>(key.created_at)
                .sql(", ")
                .bind::<SqlUuid, _>(key.id)
                .sql(")"),
        );
    }
    let query = if page.backward() {
        query.order((negated_priority().desc(), tickets::created_at.desc(), tickets::id.desc()))
    } else {
        query.order((negated_priority().asc(), tickets::created_at.asc(), tickets::id.asc()))
    };
    let query = query.select((Summary::as_select(), revision()));
    let rows: Vec<(Summary, Uuid)> = Limited { query, rows: page.fetch() }.load(conn)?;
    Ok(rows.into_iter().map(|(row, revision)| Located { row, revision }).collect())
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
    let rows: Vec<(Ticket, Uuid)> = tickets::table
        .filter(tickets::id.eq_any(ids))
        .order(tickets::id)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .load(conn)?;
    Ok(rows.into_iter().map(|(row, revision)| Located { row, revision }).collect())
}
