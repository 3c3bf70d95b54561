//! Which tags are in use.
use diesel::prelude::*;

use super::sql::{NotDraft, Tagged};
use crate::db::schema::tickets;
use crate::kernel::{Actor, Visibility};

/// The tags of up to `limit` tickets that have some, the newest of the caller's departments or accounts. What they see beside
/// those (assigned to them, opened by them) is left out: no index would serve.
pub fn newest_tags(
    conn: &mut PgConnection,
    actor: &Actor,
    limit: i64,
) -> QueryResult<Vec<Vec<String>>> {
    let query = tickets::table
        .filter(NotDraft)
        .filter(tickets::deleted_at.is_null())
        .filter(Tagged)
        .order((tickets::created_at.desc(), tickets::id.desc()))
        .limit(limit)
        .select(tickets::tags)
        .into_boxed();
    let query = match actor.visibility() {
        Visibility::All => query,
        Visibility::Departments(_, ids) => query.filter(tickets::department_id.eq_any(ids)),
        Visibility::Accounts(_, ids) => {
            query.filter(tickets::account_id.eq_any(ids).assume_not_null())
        }
    };
    query.load(conn)
}
