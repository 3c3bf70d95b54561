//! How far every connection is from agreement.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::ConnectionState;
use crate::kernel::ConnectionId;

/// What is to be done in a connection.
#[derive(Debug, Clone, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = SqlUuid)]
    pub id: ConnectionId,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub state: ConnectionState,
    /// Mirrors with something to be done.
    #[diesel(sql_type = BigInt)]
    pub pending: i64,
    #[diesel(sql_type = BigInt)]
    pub parked: i64,
    /// That nobody has decided.
    #[diesel(sql_type = BigInt)]
    pub conflicts: i64,
    /// Since when the oldest thing is to be done.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
}

/// Every connection, by name.
pub fn standings(conn: &mut PgConnection) -> QueryResult<Vec<Standing>> {
    diesel::sql_query(
        "select c.id, c.name, c.state, due.pending, due.oldest,
                (select count(*) from crm_mirrors m where m.connection_id = c.id and m.state = 'parked') as parked,
                (select count(*) from crm_conflicts f where f.connection_id = c.id and f.resolved_at is null) as conflicts
           from crm_connections c cross join lateral (
             select count(*) as pending, min(dirty_since) as oldest from crm_mirrors m
              where m.connection_id = c.id and m.dirty_since is not null and m.state in ('pending', 'linked')) due
          order by lower(c.name), c.id",
    )
    .load(conn)
}
