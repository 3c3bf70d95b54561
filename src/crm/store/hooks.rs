//! Secrets of webhooks, and the inbox of the cases that webhooks named.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::crm::hooks::{Hint, Scheme};
use crate::db::schema::crm_hooks as hooks;
use crate::kernel::ConnectionId;

/// How a connection's webhooks are signed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = hooks, check_for_backend(diesel::pg::Pg))]
pub struct Hook {
    pub connection_id: ConnectionId,
    pub scheme: Scheme,
    pub sealed_secret: Vec<u8>,
    /// When the last webhook was taken from the inbox, by when it came in.
    pub last_received_at: Option<DateTime<Utc>>,
    pub version: i32,
}

pub fn hook(conn: &mut PgConnection, connection: ConnectionId) -> QueryResult<Option<Hook>> {
    hooks::table.find(connection).select(Hook::as_select()).first(conn).optional()
}

/// The sealed secret of every connection's webhooks, locked.
pub fn lock_hooks(conn: &mut PgConnection) -> QueryResult<Vec<(ConnectionId, Vec<u8>)>> {
    let rows = hooks::table.order(hooks::connection_id);
    rows.select((hooks::connection_id, hooks::sealed_secret)).for_no_key_update().load(conn)
}

/// Writes the row as it is, whether there is one or not.
pub fn save_hook(conn: &mut PgConnection, hook: &Hook) -> QueryResult<usize> {
    diesel::insert_into(hooks::table)
        .values(hook)
        .on_conflict(hooks::connection_id)
        .do_update()
        .set(hook)
        .execute(conn)
}

/// Puts the hints into the inbox, those that are there already once, unless `bound` or more wait there. True when there
/// was room. Harmless when it is done twice.
///
/// One statement, kept prepared: the sender waits for this one round trip.
pub fn receive(
    conn: &mut PgConnection,
    connection: ConnectionId,
    hints: &[Hint],
    bound: i64,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    Receive {
        connection: connection.0,
        hook_ids: hints.iter().map(|hint| hint.hook_id.clone()).collect(),
        case_ids: hints.iter().map(|hint| hint.case_id.clone()).collect(),
        now,
        last: bound - 1,
    }
    .get_result(conn)
}

#[derive(QueryId)]
struct Receive {
    connection: Uuid,
    hook_ids: Vec<String>,
    case_ids: Vec<String>,
    now: DateTime<Utc>,
    last: i64,
}

impl Query for Receive {
    type SqlType = Bool;
}

impl RunQueryDsl<PgConnection> for Receive {}

impl QueryFragment<Pg> for Receive {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("with room as (select not exists (select from crm_inbox where taken_at is null and connection_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.connection)?;
        out.push_sql(" offset ");
        out.push_bind_param::<BigInt, _>(&self.last)?;
        out.push_sql(" limit 1) as free), put as (insert into crm_inbox (connection_id, hook_id, case_id, received_at) select ");
        out.push_bind_param::<SqlUuid, _>(&self.connection)?;
        out.push_sql(", named.hook_id, named.case_id, ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" from room, unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.hook_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.case_ids)?;
        out.push_sql(") named (hook_id, case_id) where room.free on conflict do nothing) select free from room");
        Ok(())
    }
}

/// What waits in the inbox, oldest first, up to `limit`: taken once, and marked so.
pub fn take_hints(
    conn: &mut PgConnection,
    limit: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<TakenHint>> {
    diesel::sql_query(
        "update crm_inbox set taken_at = $2 where ctid = any(array(
           select ctid from crm_inbox where taken_at is null order by received_at limit $1 for update skip locked))
         returning connection_id, case_id, received_at",
    )
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(now)
    .load(conn)
}

/// A case to look at.
#[derive(Debug, Clone, QueryableByName)]
pub struct TakenHint {
    #[diesel(sql_type = SqlUuid)]
    pub connection_id: Uuid,
    #[diesel(sql_type = Text)]
    pub case_id: String,
    #[diesel(sql_type = Timestamptz)]
    pub received_at: DateTime<Utc>,
}

/// Remembers when a connection's last webhook came in.
pub fn hook_received(
    conn: &mut PgConnection,
    connection: ConnectionId,
    at: DateTime<Utc>,
) -> QueryResult<usize> {
    let earlier =
        hooks::last_received_at.is_null().or(hooks::last_received_at.lt(at).assume_not_null());
    diesel::update(hooks::table.find(connection).filter(earlier))
        .set(hooks::last_received_at.eq(at))
        .execute(conn)
}

/// Forgets what came in before `before`, up to `limit` rows; returns how many.
pub fn sweep_inbox(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "delete from crm_inbox where ctid = any(array(
           select ctid from crm_inbox where received_at < $1 and taken_at is not null limit $2 for update skip locked))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
}
