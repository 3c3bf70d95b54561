//! Notifications, and those whose mails wait: for each person there is one row that says until when.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::{notifications as n, waiting_mails as w};
use crate::kernel::{AgentId, ContactId, NoteId, NotificationId, TicketId};
use crate::notifications::rules::{NotificationKind, Person};

/// That somebody is told of an event.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = n, check_for_backend(diesel::pg::Pg))]
pub struct Notification {
    pub id: NotificationId,
    pub agent_id: Option<AgentId>,
    pub contact_id: Option<ContactId>,
    pub position: i64,
    pub ticket_id: TicketId,
    pub note_id: Option<NoteId>,
    pub kind: NotificationKind,
    pub in_feed: bool,
    pub mail_waits: bool,
    pub created_at: DateTime<Utc>,
}

impl Notification {
    /// A row has one of the two.
    pub fn person(&self) -> Option<Person> {
        self.agent_id.map(Person::Agent).or(self.contact_id.map(Person::Contact))
    }
}

/// Mails of these people wait until then, unless some wait for an earlier time. In the order of their ids, as whoever writes to
/// several of them must.
pub fn put_off(
    conn: &mut PgConnection,
    mut waiting: Vec<(Person, DateTime<Utc>)>,
) -> QueryResult<usize> {
    waiting.sort_unstable_by_key(|(person, _)| person.id());
    let agents: Vec<Option<AgentId>> = waiting.iter().map(|(person, _)| person.agent()).collect();
    let contacts: Vec<Option<ContactId>> =
        waiting.iter().map(|(person, _)| person.contact()).collect();
    let times: Vec<DateTime<Utc>> = waiting.iter().map(|(_, due)| *due).collect();
    sql_query(
        "insert into waiting_mails (agent_id, contact_id, due_at)
         select * from unnest($1, $2, $3)
         on conflict (person_id) do update set due_at = least(waiting_mails.due_at, excluded.due_at)",
    )
    .bind::<Array<Nullable<SqlUuid>>, _>(agents)
    .bind::<Array<Nullable<SqlUuid>>, _>(contacts)
    .bind::<Array<Timestamptz>, _>(times)
    .execute(conn)
}

/// What waits for this person waits until then instead; does nothing when nothing waits.
pub fn reschedule(conn: &mut PgConnection, person: Uuid, due: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(w::table.find(person)).set(w::due_at.eq(due)).execute(conn)
}

/// Takes up to `limit` people whose mails are due; others have those that they have taken.
pub fn take_due(conn: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Uuid>> {
    let due: Vec<Uuid> = w::table
        .filter(w::due_at.le(now))
        .order(w::due_at)
        .limit(limit)
        .select(w::person_id)
        .for_update()
        .skip_locked()
        .load(conn)?;
    diesel::delete(w::table.filter(w::person_id.eq_any(&due))).execute(conn)?;
    Ok(due)
}

/// What waits for these people, in the order of the change feed.
pub fn waiting_of(conn: &mut PgConnection, people: &[Uuid]) -> QueryResult<Vec<Notification>> {
    n::table
        .filter(n::person_id.eq_any(people))
        .filter(n::mail_waits)
        .order(n::position)
        .select(Notification::as_select())
        .load(conn)
}

/// The mails of these were written, or are wanted no more.
pub fn written(conn: &mut PgConnection, ids: &[NotificationId]) -> QueryResult<usize> {
    let written = diesel::update(n::table.filter(n::id.eq_any(ids)));
    written.set(n::mail_waits.eq(false)).execute(conn)
}
