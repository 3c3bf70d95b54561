//! Mails whose files are not all attached yet.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};

use crate::db::schema::inbound_mails as m;
use crate::kernel::{InboundMailId, NoteId, SideConversationId, TicketId};

/// A mail with files that are to be attached.
#[derive(Debug, Clone, QueryableByName)]
#[diesel(table_name = m)]
pub struct Unfiled {
    pub id: InboundMailId,
    #[diesel(sql_type = SqlUuid)]
    pub ticket_id: TicketId,
    pub note_id: Option<NoteId>,
    pub side_conversation_id: Option<SideConversationId>,
    pub from_email: Option<String>,
    /// How many were attached, or refused.
    pub files_done: i32,
}

/// Takes the mail that waits the longest, until `until`.
pub fn take_unfiled(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<Option<Unfiled>> {
    diesel::sql_query(
        "update inbound_mails set files_due_at = $2 where id = (
           select id from inbound_mails where files_due_at <= $1 order by files_due_at limit 1 for update skip locked)
         returning id, ticket_id, note_id, side_conversation_id, from_email, files_done",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(until)
    .get_result(conn)
    .optional()
}

/// The next file is done; false when it was already.
pub fn filed(conn: &mut PgConnection, due: &Unfiled, now: DateTime<Utc>) -> QueryResult<bool> {
    let same = m::table.find(due.id).filter(m::files_done.eq(due.files_done));
    let next = (m::files_done.eq(due.files_done + 1), m::files_due_at.eq(now));
    Ok(diesel::update(same).set(next).execute(conn)? == 1)
}

/// No file is left.
pub fn filed_all(conn: &mut PgConnection, id: InboundMailId) -> QueryResult<usize> {
    diesel::update(m::table.find(id)).set(m::files_due_at.eq(None::<DateTime<Utc>>)).execute(conn)
}

/// Says one thing more about a mail.
pub fn add_detail(conn: &mut PgConnection, id: InboundMailId, text: &str) -> QueryResult<usize> {
    let before: Option<String> = m::table.find(id).select(m::detail).first(conn)?;
    let all: Vec<&str> = before.iter().map(String::as_str).chain([text]).collect();
    diesel::update(m::table.find(id)).set(m::detail.eq(all.join("; "))).execute(conn)
}
