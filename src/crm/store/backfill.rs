//! Mirrors for the tickets that there are.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::{crm_connections, tickets};
use crate::kernel::ConnectionId;

/// True while the connection is there; it cannot be removed before the transaction ends.
pub fn keep_connection(conn: &mut PgConnection, id: ConnectionId) -> QueryResult<bool> {
    let row = crm_connections::table.find(id).select(crm_connections::id).for_key_share();
    Ok(row.first::<ConnectionId>(conn).optional()?.is_some())
}

/// How many tickets there are, drafts and deleted ones too.
pub fn count_tickets(conn: &mut PgConnection) -> QueryResult<i64> {
    tickets::table.count().get_result(conn)
}

/// What became of a part of the tickets.
#[derive(Debug, QueryableByName)]
pub struct Chunk {
    #[diesel(sql_type = BigInt)]
    pub seen: i64,
    /// New mirrors.
    #[diesel(sql_type = BigInt)]
    pub made: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub last: Option<Uuid>,
}

/// Looks at the next `limit` tickets behind `after`; makes and marks the mirrors that are missing, to be worked on after
/// whatever changes.
pub fn backfill(
    conn: &mut PgConnection,
    connection: ConnectionId,
    after: Uuid,
    limit: i64,
) -> QueryResult<Chunk> {
    diesel::sql_query(
        "with page as (
           select id, category <> 'draft' and deleted_at is null as mirrored from tickets
            where id > $2 order by id limit $3),
         made as (
           insert into crm_mirrors (ticket_id, connection_id, dirty_since, dirty_seq, priority)
           select id, $1, now(), 1, 1 from page where mirrored order by id
           on conflict do nothing returning ticket_id)
         select (select count(*) from page) as seen, (select count(*) from made) as made,
                (select id from page order by id desc limit 1) as last",
    )
    .bind::<SqlUuid, _>(connection.0)
    .bind::<SqlUuid, _>(after)
    .bind::<BigInt, _>(limit)
    .get_result(conn)
}
