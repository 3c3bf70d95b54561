//! Queries of the notes.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::rules::{Channel, NewNote, NoteVisibility};
use crate::db::schema::notes;
use crate::kernel::{Actor, Erasure, NoteId, TicketId};

/// A note on a ticket. Immutable.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = notes, check_for_backend(diesel::pg::Pg))]
pub struct Note {
    pub id: NoteId,
    pub ticket_id: TicketId,
    /// 1, 2, 3 ... within the ticket.
    pub seq: i32,
    pub visibility: NoteVisibility,
    pub channel: Channel,
    pub author_id: Uuid,
    pub author_role: String,
    pub author_name: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
}

/// Adds the note that has number `seq`; call it with the ticket locked.
pub fn insert(
    conn: &mut PgConnection,
    author: &Actor,
    ticket_id: TicketId,
    seq: i32,
    new: NewNote,
    now: DateTime<Utc>,
) -> QueryResult<Note> {
    let note = Note {
        id: NoteId::new(),
        ticket_id,
        seq,
        visibility: new.visibility,
        channel: new.channel,
        author_id: author.id,
        author_role: author.role.to_string(),
        author_name: author.name.clone(),
        body: new.body,
        created_at: now,
    };
    diesel::insert_into(notes::table).values(&note).execute(conn)?;
    Ok(note)
}

/// One note of a ticket.
pub fn find(
    conn: &mut PgConnection,
    ticket_id: TicketId,
    id: NoteId,
    public_only: bool,
) -> QueryResult<Option<Note>> {
    let mut query = notes::table
        .filter(notes::id.eq(id))
        .filter(notes::ticket_id.eq(ticket_id))
        .select(Note::as_select())
        .into_boxed();
    if public_only {
        query = query.filter(notes::visibility.eq(NoteVisibility::Public));
    }
    query.first(conn).optional()
}

/// The notes of a ticket behind (or, `backward`, before) number `from`; nearest first.
pub fn page(
    conn: &mut PgConnection,
    ticket_id: TicketId,
    public_only: bool,
    from: Option<i32>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Note>> {
    let mut query = notes::table
        .filter(notes::ticket_id.eq(ticket_id))
        .limit(limit)
        .select(Note::as_select())
        .into_boxed();
    if public_only {
        query = query.filter(notes::visibility.eq(NoteVisibility::Public));
    }
    query = match (from, backward) {
        (Some(seq), true) => query.filter(notes::seq.lt(seq)),
        (Some(seq), false) => query.filter(notes::seq.gt(seq)),
        (None, _) => query,
    };
    if backward {
        query.order(notes::seq.desc()).load(conn)
    } else {
        query.order(notes::seq).load(conn)
    }
}

/// Takes a secret out of the notes of a ticket, in the transaction that has recorded the redaction; returns those that held
/// it.
pub fn erase(
    conn: &mut PgConnection,
    ticket_id: TicketId,
    erasure: &Erasure,
) -> QueryResult<Vec<NoteId>> {
    let all: Vec<(NoteId, String)> = notes::table
        .filter(notes::ticket_id.eq(ticket_id))
        .order(notes::seq)
        .select((notes::id, notes::body))
        .load(conn)?;
    let erased = all.into_iter().filter_map(|(id, body)| Some((id, erasure.text(&body)?)));
    let (ids, bodies): (Vec<NoteId>, Vec<String>) = erased.unzip();
    let keys: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    diesel::sql_query(
        "update notes n set body = erased.body from unnest($1, $2) as erased (id, body) where n.id = erased.id",
    )
    .bind::<Array<SqlUuid>, _>(keys)
    .bind::<Array<Text>, _>(bodies)
    .execute(conn)?;
    Ok(ids)
}
