//! Drafts: tickets that were not submitted yet.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::find::revision;
use super::row::{Located, Summary};
use super::sql::IsDraft;
use crate::db::schema::tickets;
use crate::kernel::TicketId;

define_sql_function! { fn pg_advisory_xact_lock(key: BigInt) -> Text; }
define_sql_function! { fn hashtextextended(text: Text, seed: BigInt) -> BigInt; }

/// Holds off other drafts of this author until the transaction ends.
pub fn lock_author(conn: &mut PgConnection, author: Uuid) -> QueryResult<usize> {
    let key = hashtextextended(format!("drafts of {author}"), 0);
    diesel::select(pg_advisory_xact_lock(key)).execute(conn)
}

pub fn count_drafts(conn: &mut PgConnection, author: Uuid) -> QueryResult<i64> {
    tickets::table.filter(tickets::opened_by.eq(author)).filter(IsDraft).count().get_result(conn)
}

/// The drafts of an author behind (or, `backward`, before) one, newest first; nearest first.
pub fn drafts(
    conn: &mut PgConnection,
    author: Uuid,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Located<Summary>>> {
    let mut query = tickets::table
        .filter(tickets::opened_by.eq(author))
        .filter(IsDraft)
        .filter(tickets::deleted_at.is_null())
        .select((Summary::as_select(), revision()))
        .limit(limit)
        .into_boxed();
    query = match (after.map(TicketId), backward) {
        (Some(id), true) => query.filter(tickets::id.gt(id)),
        (Some(id), false) => query.filter(tickets::id.lt(id)),
        (None, _) => query,
    };
    match backward {
        true => query.order(tickets::id).load(conn),
        false => query.order(tickets::id.desc()).load(conn),
    }
}

/// Removes a draft and what is attached to it.
pub fn delete_draft(conn: &mut PgConnection, id: TicketId) -> QueryResult<usize> {
    diesel::delete(tickets::table.find(id).filter(IsDraft)).execute(conn)
}

/// Removes up to `limit` drafts that nobody has touched since `before`.
pub fn delete_abandoned(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let old = tickets::table
        .filter(IsDraft)
        .filter(tickets::updated_at.lt(before))
        .order(tickets::updated_at)
        .limit(limit)
        .select(tickets::id)
        .for_update()
        .skip_locked();
    let old: Vec<TicketId> = old.load(conn)?;
    diesel::delete(tickets::table.filter(tickets::id.eq_any(old))).execute(conn)
}
