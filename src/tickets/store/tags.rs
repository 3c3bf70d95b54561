//! Which tags are in use.
use diesel::prelude::*;

use super::find::visible;
use super::sql::HasTags;
use crate::db::schema::tickets;
use crate::kernel::Actor;

/// The tags of up to `limit` tickets that have some, the newest that the caller may see.
pub fn newest_tags(
    conn: &mut PgConnection,
    actor: &Actor,
    limit: i64,
) -> QueryResult<Vec<Vec<String>>> {
    tickets::table
        .filter(visible(actor))
        .filter(tickets::deleted_at.is_null())
        .filter(HasTags)
        .order((tickets::created_at.desc(), tickets::id.desc()))
        .limit(limit)
        .select(tickets::tags)
        .load(conn)
}
