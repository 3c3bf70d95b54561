//! Which mails a mail follows.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::received_references as r;
use crate::kernel::MailId;

/// Remembers a mail that came in; once more does nothing.
pub fn insert_received(
    conn: &mut PgConnection,
    conversation: Uuid,
    message_id: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let row =
        (r::conversation_id.eq(conversation), r::message_id.eq(message_id), r::received_at.eq(now));
    diesel::insert_into(r::table).values(row).on_conflict_do_nothing().execute(conn)
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    message_id: String,
}

/// The `Message-ID`s of what came in to these mails' conversations and of what went to the same address before, oldest first
/// for each: the latest ten of both kinds.
pub fn references(conn: &mut PgConnection, mails: &[MailId]) -> QueryResult<Vec<(MailId, String)>> {
    let ids: Vec<Uuid> = mails.iter().map(|mail| mail.0).collect();
    let found: Vec<Reference> = diesel::sql_query(
        "select m.id, r.message_id from outgoing_mails m cross join lateral (
           (select o.message_id, o.sent_at as at from outgoing_mails o
             where o.conversation_id = m.conversation_id and o.state = 'sent' and o.id <> m.id
               and lower(o.to_email) = lower(m.to_email)
             order by o.id desc limit 10)
           union all
           (select i.message_id, i.received_at from received_references i
             where i.conversation_id = m.conversation_id order by i.received_at desc limit 10)
         ) r where m.id = any($1) order by m.id, r.at",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)?;
    Ok(found.into_iter().map(|row| (MailId(row.id), row.message_id)).collect())
}
