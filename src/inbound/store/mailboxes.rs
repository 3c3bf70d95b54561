//! The mailbox that is polled: how far it was read, and by which process.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz};

use crate::db::schema::inbound_mailboxes as b;

/// A polled mailbox.
#[derive(Debug, Clone, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = b, check_for_backend(diesel::pg::Pg))]
pub struct Mailbox {
    pub mailbox: String,
    pub uid_validity: Option<i64>,
    pub last_uid: i64,
    pub fence: i64,
    pub error: Option<String>,
    pub error_since: Option<DateTime<Utc>>,
    pub seen_at: Option<DateTime<Utc>>,
}

pub fn mailbox(conn: &mut PgConnection, name: &str) -> QueryResult<Option<Mailbox>> {
    b::table.find(name).select(Mailbox::as_select()).first(conn).optional()
}

/// Takes the lease on the mailbox; `None` while another process has it.
pub fn claim(
    conn: &mut PgConnection,
    name: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<Option<Mailbox>> {
    diesel::sql_query(
        "insert into inbound_mailboxes as b (mailbox, leased_until, fence) values ($1, $3, 1)
         on conflict (mailbox) do update set leased_until = $3, fence = b.fence + 1
           where b.leased_until is null or b.leased_until <= $2
         returning mailbox, uid_validity, last_uid, fence, error, error_since, seen_at",
    )
    .bind::<Text, _>(name)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(until)
    .get_result(conn)
    .optional()
}

/// Prolongs the lease; false when another process has taken over.
pub fn renew(
    conn: &mut PgConnection,
    name: &str,
    fence: i64,
    until: DateTime<Utc>,
) -> QueryResult<bool> {
    let held = b::table.find(name).filter(b::fence.eq(fence));
    Ok(diesel::update(held).set(b::leased_until.eq(until)).execute(conn)? == 1)
}

/// Gives the lease back.
pub fn release(conn: &mut PgConnection, name: &str, fence: i64) -> QueryResult<usize> {
    let held = b::table.find(name).filter(b::fence.eq(fence));
    diesel::update(held).set(b::leased_until.eq(None::<DateTime<Utc>>)).execute(conn)
}

/// Writes how far the mailbox was read; false when another process has taken over.
pub fn advance(
    conn: &mut PgConnection,
    (name, fence): (&str, i64),
    uid_validity: i64,
    last_uid: i64,
) -> QueryResult<bool> {
    let held = b::table.find(name).filter(b::fence.eq(fence));
    let read = (b::uid_validity.eq(uid_validity), b::last_uid.eq(last_uid));
    Ok(diesel::update(held).set(read).execute(conn)? == 1)
}

/// The server answered.
pub fn seen(conn: &mut PgConnection, name: &str, now: DateTime<Utc>) -> QueryResult<usize> {
    let well =
        (b::seen_at.eq(now), b::error.eq(None::<String>), b::error_since.eq(None::<DateTime<Utc>>));
    diesel::update(b::table.find(name)).set(well).execute(conn)
}

/// It went wrong; since when is kept from the first time on.
pub fn failed(
    conn: &mut PgConnection,
    name: &str,
    error: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::sql_query(
        "update inbound_mailboxes set error = $2, error_since = coalesce(error_since, $3) where mailbox = $1",
    )
    .bind::<Text, _>(name)
    .bind::<Nullable<Text>, _>(Some(error))
    .bind::<Timestamptz, _>(now)
    .execute(conn)
}
