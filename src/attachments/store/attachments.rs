//! Queries of the attachments.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::super::{Content, NewAttachment};
use super::files::File;
use crate::db::schema::{attachments, files};
use crate::kernel::{Actor, AttachmentId, Erasure, FileId, TicketId};
use crate::notes::NoteVisibility;

/// What is attached to a ticket: a link to elsewhere, or a file. Immutable.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = attachments, check_for_backend(diesel::pg::Pg))]
pub struct Attachment {
    pub id: AttachmentId,
    pub ticket_id: TicketId,
    /// 1, 2, 3 ... within the ticket.
    pub seq: i32,
    pub visibility: NoteVisibility,
    pub name: String,
    /// Of a link.
    pub url: Option<String>,
    pub added_by: Uuid,
    pub added_by_role: String,
    pub added_by_name: String,
    pub created_at: DateTime<Utc>,
    pub file_id: Option<FileId>,
}

/// An attachment, with its file unless it is a link.
pub type Attached = (Attachment, Option<File>);

/// Adds the attachment that has number `seq`; call it with the ticket locked.
pub fn insert(
    conn: &mut PgConnection,
    author: &Actor,
    ticket_id: TicketId,
    seq: i32,
    new: NewAttachment,
    now: DateTime<Utc>,
) -> QueryResult<Attachment> {
    let (url, file_id) = match new.content {
        Content::Link(url) => (Some(url), None),
        Content::File(file) => (None, Some(file.id)),
    };
    let attachment = Attachment {
        id: AttachmentId::new(),
        ticket_id,
        seq,
        visibility: new.visibility,
        name: new.name,
        url,
        added_by: author.id,
        added_by_role: author.role.to_string(),
        added_by_name: author.name.clone(),
        created_at: now,
        file_id,
    };
    diesel::insert_into(attachments::table).values(&attachment).execute(conn)?;
    Ok(attachment)
}

#[derive(QueryableByName)]
struct Usage {
    #[diesel(sql_type = BigInt)]
    attachments: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// How many attachments a ticket has, and how many bytes its files.
pub fn usage(conn: &mut PgConnection, ticket_id: TicketId) -> QueryResult<(i64, i64)> {
    let usage: Usage = diesel::sql_query(
        "select count(*) as attachments, coalesce(sum(f.size), 0)::bigint as bytes
           from attachments a left join files f on f.id = a.file_id where a.ticket_id = $1",
    )
    .bind::<SqlUuid, _>(ticket_id)
    .get_result(conn)?;
    Ok((usage.attachments, usage.bytes))
}

/// An attachment and its file, whoever asks.
pub fn find(conn: &mut PgConnection, id: AttachmentId) -> QueryResult<Option<Attached>> {
    attachments::table
        .left_join(files::table)
        .filter(attachments::id.eq(id))
        .select((Attachment::as_select(), Option::<File>::as_select()))
        .first(conn)
        .optional()
}

/// Which of these attachments belong to one of these tickets, each with its visibility.
pub fn visible_in(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    ids: &[AttachmentId],
) -> QueryResult<Vec<(AttachmentId, NoteVisibility)>> {
    attachments::table
        .filter(attachments::id.eq_any(ids))
        .filter(attachments::ticket_id.eq_any(tickets))
        .select((attachments::id, attachments::visibility))
        .load(conn)
}

/// What the case of a ticket says of an attachment.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = attachments, check_for_backend(diesel::pg::Pg))]
pub struct CaseLine {
    pub id: AttachmentId,
    pub ticket_id: TicketId,
    pub visibility: NoteVisibility,
    pub name: String,
    /// Of a link.
    pub url: Option<String>,
}

/// The attachments of these tickets, in order.
pub fn case_lines(conn: &mut PgConnection, tickets: &[TicketId]) -> QueryResult<Vec<CaseLine>> {
    attachments::table
        .filter(attachments::ticket_id.eq_any(tickets))
        .order((attachments::ticket_id, attachments::seq))
        .select(CaseLine::as_select())
        .load(conn)
}

/// The attachments of a ticket behind (or, `backward`, before) number `from`; nearest first.
pub fn page(
    conn: &mut PgConnection,
    ticket_id: TicketId,
    public_only: bool,
    from: Option<i32>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Attached>> {
    let mut query = attachments::table
        .left_join(files::table)
        .filter(attachments::ticket_id.eq(ticket_id))
        .limit(limit)
        .select((Attachment::as_select(), Option::<File>::as_select()))
        .into_boxed();
    if public_only {
        query = query.filter(attachments::visibility.eq(NoteVisibility::Public));
    }
    query = match (from, backward) {
        (Some(seq), true) => query.filter(attachments::seq.lt(seq)),
        (Some(seq), false) => query.filter(attachments::seq.gt(seq)),
        (None, _) => query,
    };
    if backward {
        query.order(attachments::seq.desc()).load(conn)
    } else {
        query.order(attachments::seq).load(conn)
    }
}

/// Takes a secret out of the names and links of a ticket's attachments. What is in the files themselves is not searched.
pub fn erase(
    conn: &mut PgConnection,
    ticket_id: TicketId,
    erasure: &Erasure,
) -> QueryResult<usize> {
    let all = case_lines(conn, &[ticket_id])?.into_iter();
    let erased = all.filter_map(|line| {
        let (name, url) = (erasure.text(&line.name), line.url.as_ref().map(|u| erasure.text(u)));
        let changed = name.is_some() || url.as_ref().is_some_and(Option::is_some);
        changed.then(|| (line.id.0, name.unwrap_or(line.name), url.flatten().or(line.url)))
    });
    let (mut ids, mut names, mut urls) = (Vec::new(), Vec::new(), Vec::new());
    for (id, name, url) in erased {
        ids.push(id);
        names.push(name);
        urls.push(url.unwrap_or_default());
    }
    diesel::sql_query(
        "with erased as (select * from unnest($1, $2, $3) as e (id, name, url)),
           renamed as (update files f set name = e.name from erased e join attachments a on a.id = e.id where f.id = a.file_id)
         update attachments a set name = e.name, url = nullif(e.url, '') from erased e where a.id = e.id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Text>, _>(urls)
    .execute(conn)
}
