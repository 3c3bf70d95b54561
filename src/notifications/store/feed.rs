//! The feed of each person.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};
use uuid::Uuid;

use super::waiting::Notification;
use crate::db::schema::{notifications as n, tickets};
use crate::kernel::{Actor, NoteId, NotificationId, PageRequest, TicketId};
use crate::notifications::rules::NotificationKind;
use crate::tickets::visible;

/// Rows of one statement at the most: it has so many times eight parameters.
const AT_ONCE: usize = 4_000;

/// Who was told before is passed over.
pub fn insert_all(conn: &mut PgConnection, new: &[Notification]) -> QueryResult<()> {
    for rows in new.chunks(AT_ONCE) {
        let insert = diesel::insert_into(n::table).values(rows);
        insert.on_conflict((n::person_id, n::position)).do_nothing().execute(conn)?;
    }
    Ok(())
}

/// What somebody is told, with its ticket as it is now.
#[derive(Debug, Clone, Queryable)]
pub struct FeedRow {
    pub id: NotificationId,
    pub position: i64,
    pub kind: NotificationKind,
    pub note_id: Option<NoteId>,
    pub read_at: Option<DateTime<Utc>>,
    pub ticket_id: TicketId,
    pub number: i64,
    pub subject: String,
}

/// The feed of the caller, as far as they may see its tickets now.
fn own<'a>(
    actor: &'a Actor,
) -> diesel::helper_types::IntoBoxed<
    'a,
    diesel::dsl::InnerJoin<n::table, tickets::table>,
    diesel::pg::Pg,
> {
    let seen = tickets::table
        .into_boxed()
        .filter(visible(actor))
        .filter(tickets::deleted_at.is_null())
        .select(tickets::id);
    n::table
        .inner_join(tickets::table)
        .into_boxed()
        .filter(n::person_id.eq(actor.id))
        .filter(n::in_feed)
        .filter(n::ticket_id.eq_any(seen))
}

const COLUMNS: (
    n::id,
    n::position,
    n::kind,
    n::note_id,
    n::read_at,
    n::ticket_id,
    tickets::number,
    tickets::subject,
) = (
    n::id,
    n::position,
    n::kind,
    n::note_id,
    n::read_at,
    n::ticket_id,
    tickets::number,
    tickets::subject,
);

/// A page, latest first: in the order of the change feed.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    unread: Option<bool>,
    from: Option<i64>,
    page: &PageRequest,
) -> QueryResult<Vec<FeedRow>> {
    let mut query = own(actor).limit(page.fetch());
    query = match unread {
        Some(true) => query.filter(n::read_at.is_null()),
        Some(false) => query.filter(n::read_at.is_not_null()),
        None => query,
    };
    query = match (from, page.backward()) {
        (Some(position), false) => query.filter(n::position.lt(position)),
        (Some(position), true) => query.filter(n::position.gt(position)),
        (None, _) => query,
    };
    let query = query.select(COLUMNS);
    if page.backward() {
        query.order(n::position).load(conn)
    } else {
        query.order(n::position.desc()).load(conn)
    }
}

/// How many are unread, counted as far as `most`.
pub fn unread(conn: &mut PgConnection, actor: &Actor, most: i64) -> QueryResult<i64> {
    let unread = own(actor).filter(n::read_at.is_null()).select(n::id).limit(most);
    let found: Vec<NotificationId> = unread.load(conn)?;
    Ok(i64::try_from(found.len()).unwrap_or(most))
}

/// Where in the order one of the caller's is.
pub fn position_of(
    conn: &mut PgConnection,
    actor: &Actor,
    id: NotificationId,
) -> QueryResult<Option<i64>> {
    let found = n::table.filter(n::id.eq(id)).filter(n::person_id.eq(actor.id)).filter(n::in_feed);
    found.select(n::position).first(conn).optional()
}

/// Marks one as read, if it is not; returns it as it is then.
pub fn mark_read(
    conn: &mut PgConnection,
    actor: &Actor,
    id: NotificationId,
    now: DateTime<Utc>,
) -> QueryResult<Option<FeedRow>> {
    diesel::update(n::table.find(id))
        .filter(n::person_id.eq(actor.id).and(n::read_at.is_null()))
        .set(n::read_at.eq(now))
        .execute(conn)?;
    own(actor).filter(n::id.eq(id)).select(COLUMNS).first(conn).optional()
}

/// Marks all as read up to and including this position.
pub fn mark_read_until(
    conn: &mut PgConnection,
    person: Uuid,
    position: i64,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(n::table)
        .filter(n::person_id.eq(person).and(n::in_feed).and(n::read_at.is_null()))
        .filter(n::position.le(position))
        .set(n::read_at.eq(now))
        .execute(conn)
}

/// Forgets up to `limit` from before `until` whose mails do not wait.
pub fn forget(conn: &mut PgConnection, until: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    sql_query(
        "delete from notifications where id in (
           select id from notifications where created_at < $1 and not mail_waits
            order by created_at limit $2 for update skip locked)",
    )
    .bind::<Timestamptz, _>(until)
    .bind::<BigInt, _>(limit)
    .execute(conn)
}
