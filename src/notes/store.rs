//! Queries of the notes.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::rules::{Channel, NewNote, NoteVisibility};
use crate::db::schema::notes;
use crate::db::{containing, rewrite};
use crate::kernel::{Actor, AgentId, AttachmentId, Erasure, NoteId, Role, TicketId};

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
    /// The agents whom it mentions, as far as they might see the ticket then.
    pub mentions: Vec<AgentId>,
    pub attachment_ids: Vec<AttachmentId>,
}

/// Adds the note that has number `seq`; call it with the ticket locked.
pub fn insert(
    conn: &mut PgConnection,
    author: &Actor,
    ticket_id: TicketId,
    seq: i32,
    new: NewNote,
    mentions: Vec<AgentId>,
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
        mentions,
        attachment_ids: new.attachments,
    };
    diesel::insert_into(notes::table).values(&note).execute(conn)?;
    Ok(note)
}

/// One note of these tickets.
pub fn find(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    id: NoteId,
    public_only: bool,
) -> QueryResult<Option<Note>> {
    let mut query = notes::table
        .filter(notes::id.eq(id))
        .filter(notes::ticket_id.eq_any(tickets))
        .select(Note::as_select())
        .into_boxed();
    if public_only {
        query = query.filter(notes::visibility.eq(NoteVisibility::Public));
    }
    query.first(conn).optional()
}

/// These notes.
pub fn of_ids(conn: &mut PgConnection, ids: &[NoteId]) -> QueryResult<Vec<Note>> {
    notes::table.filter(notes::id.eq_any(ids)).select(Note::as_select()).load(conn)
}

/// Number and time of the first public note of the desk behind number `after` that has all of these words, in any case.
pub fn first_of_desk(
    conn: &mut PgConnection,
    ticket_id: TicketId,
    after: i32,
    words: &[&str],
) -> QueryResult<Option<(i32, DateTime<Utc>)>> {
    let mut query = notes::table
        .filter(notes::ticket_id.eq(ticket_id))
        .filter(notes::seq.gt(after))
        .filter(notes::visibility.eq(NoteVisibility::Public))
        .filter(notes::author_role.ne(Role::Contact.as_str()))
        .order(notes::seq)
        .select((notes::seq, notes::created_at))
        .into_boxed();
    for word in words {
        query = query.filter(notes::body.ilike(containing(word)));
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

/// The notes of several tickets in the order of time, behind (or, `backward`, before) the note `from`; nearest first.
pub fn joint_page(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    public_only: bool,
    from: Option<NoteId>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Note>> {
    let mut query = notes::table
        .filter(notes::ticket_id.eq_any(tickets))
        .limit(limit)
        .select(Note::as_select())
        .into_boxed();
    if public_only {
        query = query.filter(notes::visibility.eq(NoteVisibility::Public));
    }
    if let Some(id) = from {
        let at: DateTime<Utc> = notes::table.find(id).select(notes::created_at).first(conn)?;
        let same_time = notes::created_at.eq(at);
        query = if backward {
            query.filter(notes::created_at.lt(at).or(same_time.and(notes::id.lt(id))))
        } else {
            query.filter(notes::created_at.gt(at).or(same_time.and(notes::id.gt(id))))
        };
    }
    if backward {
        query.order((notes::created_at.desc(), notes::id.desc())).load(conn)
    } else {
        query.order((notes::created_at, notes::id)).load(conn)
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
    let erased: Vec<(NoteId, String)> = erased.collect();
    let ids = erased.iter().map(|(id, _)| *id).collect();
    rewrite(conn, ("notes", "body"), erased.into_iter().map(|(id, body)| (id.0, body)))?;
    Ok(ids)
}

/// What a note says.
#[derive(Debug, Clone, QueryableByName)]
pub struct NoteText {
    #[diesel(sql_type = SqlUuid)]
    pub id: NoteId,
    #[diesel(sql_type = SqlUuid)]
    pub ticket_id: TicketId,
    #[diesel(sql_type = Text)]
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
    .bind::<Array<SqlUuid>, _>(tickets)
    .bind::<Bool, _>(public_only)
    .bind::<Integer, _>(each)
    .bind::<Integer, _>(length)
    .load(conn)
}
