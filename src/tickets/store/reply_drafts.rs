//! What people have begun to reply.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel::upsert::excluded;
use uuid::Uuid;

use crate::db::schema::reply_drafts;
use crate::kernel::{Erasure, TicketId};
use crate::notes::NoteVisibility;

/// A reply that its author has not sent.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reply_drafts, check_for_backend(diesel::pg::Pg))]
pub struct ReplyDraft {
    pub ticket_id: TicketId,
    pub author_id: Uuid,
    pub visibility: NoteVisibility,
    pub body: String,
    pub updated_at: DateTime<Utc>,
}

pub fn reply_draft(
    conn: &mut PgConnection,
    ticket: TicketId,
    author: Uuid,
) -> QueryResult<Option<ReplyDraft>> {
    let draft = reply_drafts::table.find((ticket, author)).select(ReplyDraft::as_select());
    draft.first(conn).optional()
}

/// Writes it over the one before.
pub fn save_reply_draft(conn: &mut PgConnection, draft: &ReplyDraft) -> QueryResult<usize> {
    diesel::insert_into(reply_drafts::table)
        .values(draft)
        .on_conflict((reply_drafts::ticket_id, reply_drafts::author_id))
        .do_update()
        .set((
            reply_drafts::visibility.eq(excluded(reply_drafts::visibility)),
            reply_drafts::body.eq(excluded(reply_drafts::body)),
            reply_drafts::updated_at.eq(excluded(reply_drafts::updated_at)),
        ))
        .execute(conn)
}

pub fn delete_reply_draft(
    conn: &mut PgConnection,
    ticket: TicketId,
    author: Uuid,
) -> QueryResult<usize> {
    diesel::delete(reply_drafts::table.find((ticket, author))).execute(conn)
}

/// Removes up to `limit` of those that nobody has touched since `before`.
pub fn delete_old_reply_drafts(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    let old: Vec<(TicketId, Uuid)> = reply_drafts::table
        .filter(reply_drafts::updated_at.lt(before))
        .order(reply_drafts::updated_at)
        .limit(limit)
        .select((reply_drafts::ticket_id, reply_drafts::author_id))
        .for_update()
        .skip_locked()
        .load(conn)?;
    let (tickets, authors): (Vec<Uuid>, Vec<Uuid>) =
        old.into_iter().map(|(ticket, author)| (ticket.0, author)).unzip();
    diesel::sql_query(
        "delete from reply_drafts d using unnest($1, $2) as old (ticket_id, author_id)
          where d.ticket_id = old.ticket_id and d.author_id = old.author_id",
    )
    .bind::<Array<SqlUuid>, _>(tickets)
    .bind::<Array<SqlUuid>, _>(authors)
    .execute(conn)
}

/// Takes a secret out of what anybody has begun to reply on a ticket.
pub fn erase_reply_drafts(
    conn: &mut PgConnection,
    ticket: TicketId,
    erasure: &Erasure,
) -> QueryResult<usize> {
    let all: Vec<(Uuid, String)> = reply_drafts::table
        .filter(reply_drafts::ticket_id.eq(ticket))
        .select((reply_drafts::author_id, reply_drafts::body))
        .for_update()
        .load(conn)?;
    let erased = all.into_iter().filter_map(|(author, body)| Some((author, erasure.text(&body)?)));
    let (authors, bodies): (Vec<Uuid>, Vec<String>) = erased.unzip();
    diesel::sql_query(
        "update reply_drafts d set body = erased.body from unnest($2, $3) as erased (author_id, body)
          where d.ticket_id = $1 and d.author_id = erased.author_id",
    )
    .bind::<SqlUuid, _>(ticket)
    .bind::<Array<SqlUuid>, _>(authors)
    .bind::<Array<Text>, _>(bodies)
    .execute(conn)
}
