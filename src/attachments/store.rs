//! Queries of the attachments.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::NewAttachment;
use crate::db::schema::attachments;
use crate::kernel::{Actor, AttachmentId, TicketId};
use crate::notes::NoteVisibility;

/// A link to a file. Immutable.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = attachments, check_for_backend(diesel::pg::Pg))]
pub struct Attachment {
    pub id: AttachmentId,
    pub ticket_id: TicketId,
    /// 1, 2, 3 ... within the ticket.
    pub seq: i32,
    pub visibility: NoteVisibility,
    pub name: String,
    pub url: String,
    pub added_by: Uuid,
    pub added_by_role: String,
    pub added_by_name: String,
    pub created_at: DateTime<Utc>,
}

/// Adds the attachment that has number `seq`; call it with the ticket locked.
pub fn insert(
    conn: &mut PgConnection,
    author: &Actor,
    ticket_id: TicketId,
    seq: i32,
    new: NewAttachment,
    now: DateTime<Utc>,
) -> QueryResult<Attachment> {
    let attachment = Attachment {
        id: AttachmentId::new(),
        ticket_id,
        seq,
        visibility: new.visibility,
        name: new.name,
        url: new.url,
        added_by: author.id,
        added_by_role: author.role.to_string(),
        added_by_name: author.name.clone(),
        created_at: now,
    };
    diesel::insert_into(attachments::table).values(&attachment).execute(conn)?;
    Ok(attachment)
}

/// How many a ticket has.
pub fn count(conn: &mut PgConnection, ticket_id: TicketId) -> QueryResult<i64> {
    attachments::table.filter(attachments::ticket_id.eq(ticket_id)).count().get_result(conn)
}

/// Name and address of each attachment of a ticket, in order.
pub fn links(
    conn: &mut PgConnection,
    tickets: &[TicketId],
) -> QueryResult<Vec<(TicketId, String, String)>> {
    attachments::table
        .filter(attachments::ticket_id.eq_any(tickets))
        .order((attachments::ticket_id, attachments::seq))
        .select((attachments::ticket_id, attachments::name, attachments::url))
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
) -> QueryResult<Vec<Attachment>> {
    let mut query = attachments::table
        .filter(attachments::ticket_id.eq(ticket_id))
        .limit(limit)
        .select(Attachment::as_select())
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
