//! Which person, company, product and note of the desk is which record of the CRM.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel::upsert::excluded;
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::{crm_links, crm_note_links};
use crate::kernel::{ConnectionId, NoteId, TicketId, text_enum};

text_enum! {
    /// What is linked.
    LinkKind {
        Agent = "agent",
        Account = "account",
        Contact = "contact",
        Product = "product",
    }
}

text_enum! {
    /// Where a note was written.
    NoteDirection {
        /// At the desk.
        Out = "out",
        /// In the CRM.
        In = "in",
    }
}

/// A pair of records.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = crm_links, check_for_backend(diesel::pg::Pg))]
pub struct Link {
    pub local_id: Uuid,
    pub remote_id: String,
}

/// Every link of a kind.
pub fn links(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
) -> QueryResult<Vec<Link>> {
    crm_links::table
        .filter(crm_links::connection_id.eq(connection).and(crm_links::kind.eq(kind)))
        .order(crm_links::local_id)
        .select(Link::as_select())
        .load(conn)
}

/// The CRM's id of a record of the desk.
pub fn remote_id(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    local: Uuid,
) -> QueryResult<Option<String>> {
    let link = crm_links::table.find((connection, kind, local));
    link.select(crm_links::remote_id).first(conn).optional()
}

/// The desk's id of a record of the CRM.
pub fn local_id(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    remote: &str,
) -> QueryResult<Option<Uuid>> {
    crm_links::table
        .filter(crm_links::connection_id.eq(connection))
        .filter(crm_links::kind.eq(kind))
        .filter(crm_links::remote_id.eq(remote))
        .select(crm_links::local_id)
        .first(conn)
        .optional()
}

/// The links to these records of the CRM.
pub fn links_to(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    remote: &[String],
) -> QueryResult<Vec<Link>> {
    crm_links::table
        .filter(crm_links::connection_id.eq(connection).and(crm_links::kind.eq(kind)))
        .filter(crm_links::remote_id.eq_any(remote))
        .select(Link::as_select())
        .load(conn)
}

/// As [`remember`], for many in one statement.
pub fn remember_all(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    found: &[Link],
) -> QueryResult<usize> {
    let row = |link: &Link| {
        (
            crm_links::connection_id.eq(connection),
            crm_links::kind.eq(kind),
            crm_links::local_id.eq(link.local_id),
            crm_links::remote_id.eq(link.remote_id.clone()),
        )
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    diesel::insert_into(crm_links::table).values(rows).on_conflict_do_nothing().execute(conn)
}

/// Remembers a pair that was found; a link that somebody set meanwhile stays.
pub fn remember(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    local: Uuid,
    remote: &str,
) -> QueryResult<usize> {
    diesel::insert_into(crm_links::table)
        .values((
            crm_links::connection_id.eq(connection),
            crm_links::kind.eq(kind),
            crm_links::local_id.eq(local),
            crm_links::remote_id.eq(remote),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
}

/// Sets links and removes others, each in one statement.
pub fn set_links(
    conn: &mut PgConnection,
    connection: ConnectionId,
    kind: LinkKind,
    set: &[Link],
    remove: &[Uuid],
) -> QueryResult<()> {
    let of_kind = crm_links::connection_id.eq(connection).and(crm_links::kind.eq(kind));
    let removed = crm_links::table.filter(of_kind).filter(crm_links::local_id.eq_any(remove));
    diesel::delete(removed).execute(conn)?;
    let rows: Vec<_> = set
        .iter()
        .map(|link| {
            (
                crm_links::connection_id.eq(connection),
                crm_links::kind.eq(kind),
                crm_links::local_id.eq(link.local_id),
                crm_links::remote_id.eq(&link.remote_id),
            )
        })
        .collect();
    diesel::insert_into(crm_links::table)
        .values(rows)
        .on_conflict((crm_links::connection_id, crm_links::kind, crm_links::local_id))
        .do_update()
        .set(crm_links::remote_id.eq(excluded(crm_links::remote_id)))
        .execute(conn)?;
    Ok(())
}

/// A note of the CRM as it was found there.
#[derive(Debug, Clone, Default)]
pub struct RemoteLink {
    pub id: String,
    /// What it did not keep of the text: [`crate::crm::case::Altered`].
    pub altered: Option<Value>,
    /// When it was found to be deleted.
    pub gone_at: Option<DateTime<Utc>>,
}

/// Remembers which note is which; false when the CRM's note is known already.
pub fn link_note(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ticket: TicketId,
    note: NoteId,
    remote: &RemoteLink,
    direction: NoteDirection,
) -> QueryResult<bool> {
    let inserted = diesel::insert_into(crm_note_links::table)
        .values((
            crm_note_links::connection_id.eq(connection),
            crm_note_links::ticket_id.eq(ticket),
            crm_note_links::note_id.eq(note),
            crm_note_links::remote_id.eq(&remote.id),
            crm_note_links::direction.eq(direction),
            crm_note_links::altered.eq(&remote.altered),
            crm_note_links::gone_at.eq(remote.gone_at),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(inserted == 1)
}

/// Those of the CRM's notes that are known.
pub fn known_notes(
    conn: &mut PgConnection,
    connection: ConnectionId,
    remote: &[String],
) -> QueryResult<Vec<String>> {
    crm_note_links::table
        .filter(crm_note_links::connection_id.eq(connection))
        .filter(crm_note_links::remote_id.eq_any(remote))
        .select(crm_note_links::remote_id)
        .load(conn)
}

/// Marks the notes of a mirror that are not among those on its case, and unmarks those that are; returns the notes that were
/// found gone just now, each with the CRM's id.
pub fn mark_gone_notes(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ticket: TicketId,
    there: &[String],
    now: DateTime<Utc>,
) -> QueryResult<Vec<(NoteId, String)>> {
    let of_mirror = crm_note_links::table
        .filter(crm_note_links::connection_id.eq(connection))
        .filter(crm_note_links::ticket_id.eq(ticket));
    let back = of_mirror.filter(crm_note_links::remote_id.eq_any(there));
    diesel::update(back.filter(crm_note_links::gone_at.is_not_null()))
        .set(crm_note_links::gone_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    let gone = of_mirror.filter(crm_note_links::remote_id.ne_all(there));
    diesel::update(gone.filter(crm_note_links::gone_at.is_null()))
        .set(crm_note_links::gone_at.eq(now))
        .returning((crm_note_links::note_id, crm_note_links::remote_id))
        .get_results(conn)
}

/// A note that the CRM does not have as the desk does.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = crm_note_links, check_for_backend(diesel::pg::Pg))]
pub struct DifferingNote {
    pub connection_id: ConnectionId,
    pub note_id: NoteId,
    pub remote_id: String,
    pub altered: Option<Value>,
    pub gone_at: Option<DateTime<Utc>>,
}

/// The notes of a ticket that a CRM did not keep as they are, or not at all.
pub fn differing_notes(
    conn: &mut PgConnection,
    ticket: TicketId,
) -> QueryResult<Vec<DifferingNote>> {
    crm_note_links::table
        .filter(crm_note_links::ticket_id.eq(ticket))
        .filter(crm_note_links::altered.is_not_null().or(crm_note_links::gone_at.is_not_null()))
        .order(crm_note_links::note_id)
        .select(DifferingNote::as_select())
        .load(conn)
}

/// Forgets the notes of a case that is no more.
pub fn forget_notes(
    conn: &mut PgConnection,
    connection: ConnectionId,
    tickets: &[Uuid],
) -> QueryResult<usize> {
    diesel::sql_query("delete from crm_note_links where connection_id = $1 and ticket_id = any($2)")
        .bind::<SqlUuid, _>(connection.0)
        .bind::<Array<SqlUuid>, _>(tickets)
        .execute(conn)
}

/// The names of agents, by the CRM's ids of their users.
pub fn agent_of_user(
    conn: &mut PgConnection,
    connection: ConnectionId,
    user: &str,
) -> QueryResult<Option<(Uuid, String)>> {
    #[derive(QueryableByName)]
    struct Agent {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        name: String,
    }
    let found: Option<Agent> = diesel::sql_query(
        "select a.id, a.name from crm_links l join agents a on a.id = l.local_id
          where l.connection_id = $1 and l.kind = 'agent' and l.remote_id = $2",
    )
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Text, _>(user)
    .get_result(conn)
    .optional()?;
    Ok(found.map(|agent| (agent.id, agent.name)))
}
