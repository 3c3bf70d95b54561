//! Queries of the notes.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use uuid::Uuid;

use super::rules::{Channel, NewNote, NoteVisibility};
use crate::db::schema::notes;
use crate::kernel::{Actor, NoteId, TicketId};

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

/// What a note says.
#[derive(Debug, Clone, QueryableByName)]
pub struct NoteText {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: NoteId,
    #[diesel(sql_type = sql_types::Uuid)]
    pub ticket_id: TicketId,
    #[diesel(sql_type = sql_types::Text)]
    pub body: String,
}

/// The texts, up to a length, of the newest notes of each of these tickets, newest first.
pub fn recent_texts(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    public_only: bool,
    (each, length): (i32, i32),
) -> QueryResult<Vec<NoteText>> {
    diesel::sql_query(
        "select n.id, n.ticket_id, left(n.body, $4) as body from unnest($1) as t(id) cross join lateral (
           select id, ticket_id, body, seq from notes
            where ticket_id = t.id and (not $2 or visibility = 'public') order by seq desc limit $3) n
          order by n.ticket_id, n.seq desc",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(tickets)
    .bind::<sql_types::Bool, _>(public_only)
    .bind::<sql_types::Integer, _>(each)
    .bind::<sql_types::Integer, _>(length)
    .load(conn)
}
