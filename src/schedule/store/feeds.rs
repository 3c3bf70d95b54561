//! The addresses of calendars.
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::calendar_feeds as f;
use crate::kernel::AgentId;

/// The agent has this address from now on, and no other.
pub fn set_feed(
    conn: &mut PgConnection,
    agent: AgentId,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let row = (f::token_hash.eq(token_hash), f::created_at.eq(now));
    diesel::insert_into(f::table)
        .values((f::agent_id.eq(agent), row))
        .on_conflict(f::agent_id)
        .do_update()
        .set(row)
        .execute(conn)
}

/// When the agent's address was made, if there is one.
pub fn feed(conn: &mut PgConnection, agent: AgentId) -> QueryResult<Option<DateTime<Utc>>> {
    f::table.find(agent).select(f::created_at).first(conn).optional()
}

/// True when this is the agent's address.
pub fn is_feed(conn: &mut PgConnection, agent: AgentId, token_hash: &[u8]) -> QueryResult<bool> {
    let found = f::table.find(agent).filter(f::token_hash.eq(token_hash));
    diesel::select(diesel::dsl::exists(found)).get_result(conn)
}

/// The agent has no address any more.
pub fn delete_feed(conn: &mut PgConnection, agent: AgentId) -> QueryResult<usize> {
    diesel::delete(f::table.find(agent)).execute(conn)
}
