//! Who watches which ticket.
use chrono::{DateTime, Utc};
use diesel::dsl::{count, exists};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::{agents, contact_accounts, contacts, ticket_watchers as w, tickets};
use crate::kernel::{AgentId, ContactId, TicketId};

/// A watcher to be added: an agent or a contact.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = w)]
pub struct NewWatcher {
    pub ticket_id: TicketId,
    pub agent_id: Option<AgentId>,
    pub contact_id: Option<ContactId>,
    pub added_by: Uuid,
    pub added_by_name: String,
    pub added_at: DateTime<Utc>,
}

/// A watcher with their name.
#[derive(Debug, Clone, Queryable)]
pub struct Watcher {
    pub id: Uuid,
    /// `None` for a contact.
    pub agent_name: Option<String>,
    pub contact_name: Option<String>,
    pub added_by: Uuid,
    pub added_by_name: String,
    pub added_at: DateTime<Utc>,
}

/// Adds a watcher; false when they watch already.
pub fn insert_watcher(conn: &mut PgConnection, new: &NewWatcher) -> QueryResult<bool> {
    let added = diesel::insert_into(w::table).values(new).on_conflict_do_nothing().execute(conn)?;
    Ok(added == 1)
}

/// Takes a watcher away from all of these tickets; true when they watched one.
pub fn delete_watcher(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    watcher: Uuid,
) -> QueryResult<bool> {
    let theirs = w::table.filter(w::ticket_id.eq_any(tickets)).filter(w::watcher_id.eq(watcher));
    Ok(diesel::delete(theirs).execute(conn)? > 0)
}

/// How many people watch one or more of these tickets.
pub fn count_watchers(conn: &mut PgConnection, tickets: &[TicketId]) -> QueryResult<i64> {
    w::table
        .filter(w::ticket_id.eq_any(tickets))
        .select(count(w::watcher_id).aggregate_distinct())
        .get_result(conn)
}

/// The active watchers of these tickets in the order in which they were added, each once; contacts only while they belong to
/// the tickets' account.
pub fn watchers(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    contacts_only: bool,
) -> QueryResult<Vec<Watcher>> {
    let of_account = contact_accounts::table
        .filter(contact_accounts::contact_id.nullable().eq(w::contact_id))
        .filter(contact_accounts::account_id.nullable().eq(tickets::account_id));
    let mut query = w::table
        .inner_join(tickets::table)
        .left_join(agents::table)
        .left_join(contacts::table)
        .filter(w::ticket_id.eq_any(tickets))
        .filter(w::contact_id.is_null().or(exists(of_account)))
        .filter(agents::active.is_null().or(agents::active.assume_not_null()))
        .filter(contacts::active.is_null().or(contacts::active.assume_not_null()))
        .distinct_on(w::watcher_id)
        .order((w::watcher_id, w::added_at))
        .select((
            w::watcher_id,
            agents::name.nullable(),
            contacts::name.nullable(),
            w::added_by,
            w::added_by_name,
            w::added_at,
        ))
        .into_boxed();
    if contacts_only {
        query = query.filter(w::contact_id.is_not_null());
    }
    let mut found: Vec<Watcher> = query.load(conn)?;
    found.sort_by_key(|watcher| (watcher.added_at, watcher.id));
    Ok(found)
}
