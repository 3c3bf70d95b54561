//! What tickets were before they were merged, and which are merged into one.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use crate::db::schema::{ticket_merges as merges, tickets};
use crate::kernel::TicketId;

/// What a merged ticket was before.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = merges, check_for_backend(diesel::pg::Pg))]
pub struct Merge {
    pub ticket_id: TicketId,
    pub status: String,
    pub resolution: Option<String>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Something was sent to it since.
    pub followed: bool,
}

pub fn insert_merge(conn: &mut PgConnection, merge: &Merge) -> QueryResult<usize> {
    diesel::insert_into(merges::table).values(merge).execute(conn)
}

pub fn merge(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Merge> {
    merges::table.find(ticket).select(Merge::as_select()).first(conn)
}

pub fn delete_merge(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<usize> {
    diesel::delete(merges::table.find(ticket)).execute(conn)
}

/// Something was sent through these merged tickets, which the caller has locked.
pub fn follow_merges(conn: &mut PgConnection, passed: &[TicketId]) -> QueryResult<usize> {
    diesel::update(merges::table.filter(merges::ticket_id.eq_any(passed)))
        .set(merges::followed.eq(true))
        .execute(conn)
}

/// The number of a ticket.
pub fn number(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<i64> {
    tickets::table.find(ticket).select(tickets::number).first(conn)
}

pub fn is_deleted(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<bool> {
    tickets::table.find(ticket).select(tickets::deleted_at.is_not_null()).first(conn)
}

/// The ticket and all that were merged into it, and into those.
pub fn merged(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Vec<TicketId>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        id: TicketId,
    }
    let found: Vec<Found> = diesel::sql_query(
        "with recursive merged (id) as (
           select $1::uuid
           union
           select t.id from tickets t join merged m on t.merged_into = m.id)
         select id from merged",
    )
    .bind::<SqlUuid, _>(ticket.0)
    .load(conn)?;
    Ok(found.into_iter().map(|row| row.id).collect())
}
