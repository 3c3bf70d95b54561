//! How far the feed was read. The row's lock says who may write mails about what tickets say: one fan-out at a time, any number
//! of those who write what waited, and nobody while a redaction is under way.
use diesel::prelude::*;
use diesel::sql_query;

use crate::db::schema::notification_cursor as c;

/// Up to where the feed was read; `None` while another process reads on.
pub fn lock_cursor(conn: &mut PgConnection) -> QueryResult<Option<i64>> {
    c::table.select(c::position).for_no_key_update().skip_locked().first(conn).optional()
}

pub fn move_cursor(conn: &mut PgConnection, position: i64) -> QueryResult<usize> {
    diesel::update(c::table).set(c::position.eq(position)).execute(conn)
}

/// Waits while a redaction is under way, and not for anybody else.
pub fn share_cursor(conn: &mut PgConnection) -> QueryResult<usize> {
    sql_query("select position from notification_cursor for key share").execute(conn)
}

/// Waits until nobody writes mails, and lets nobody begin until the transaction ends.
pub fn hold_back(conn: &mut PgConnection) -> QueryResult<usize> {
    sql_query("select position from notification_cursor for update").execute(conn)
}
