//! Queries of the push/pull protocol.
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::links::{LinkKind, NoteDirection, forget_notes};
use super::mirrors::{Mirror, MirrorState};
use crate::db::schema::{
    contacts, crm_changes as changes, crm_links, crm_mirrors as mirrors, crm_note_links, notes,
    tickets,
};
use crate::kernel::{ConnectionId, ContactId, NoteId, TicketId};

/// How long the outcome of a change is remembered.
pub const KEEP_CHANGES: TimeDelta = TimeDelta::days(7);

/// The mirrors of these tickets and those of these cases, in one connection.
pub fn mirrors_named(
    conn: &mut PgConnection,
    connection: ConnectionId,
    tickets: &[TicketId],
    cases: &[&str],
) -> QueryResult<Vec<Mirror>> {
    let named =
        mirrors::ticket_id.eq_any(tickets).or(mirrors::remote_id.eq_any(cases).assume_not_null());
    mirrors::table
        .filter(mirrors::connection_id.eq(connection).and(named))
        .select(Mirror::as_select())
        .load(conn)
}

/// The mirror and the version of its ticket, both locked: nobody changes either until the transaction ends.
pub fn lock_mirror(
    conn: &mut PgConnection,
    ticket: TicketId,
    connection: ConnectionId,
) -> QueryResult<Option<(Mirror, i32)>> {
    let mirror = mirrors::table.find((ticket, connection)).select(Mirror::as_select());
    let Some(mirror) = mirror.for_no_key_update().first(conn).optional()? else { return Ok(None) };
    let version = tickets::table.find(ticket).select(tickets::version).for_no_key_update();
    Ok(Some((mirror, version.first(conn)?)))
}

/// The CRM's ids of these records of the desk.
pub fn remote_ids(
    conn: &mut PgConnection,
    connection: ConnectionId,
    local: &[Uuid],
) -> QueryResult<HashMap<(LinkKind, Uuid), String>> {
    let rows: Vec<(LinkKind, Uuid, String)> = crm_links::table
        .filter(crm_links::connection_id.eq(connection).and(crm_links::local_id.eq_any(local)))
        .select((crm_links::kind, crm_links::local_id, crm_links::remote_id))
        .load(conn)?;
    Ok(rows.into_iter().map(|(kind, local, remote)| ((kind, local), remote)).collect())
}

/// A note that its case may not have yet.
#[derive(Debug, Clone, Queryable)]
pub struct OfferedNote {
    pub id: NoteId,
    pub ticket_id: TicketId,
    pub seq: i32,
    pub visibility: String,
    pub author_role: String,
    pub author_name: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
}

/// Those of these notes that did not come from the connection's CRM, in the order of each conversation.
pub fn offered_notes(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ids: &[NoteId],
) -> QueryResult<Vec<OfferedNote>> {
    let came_in = crm_note_links::table
        .filter(crm_note_links::note_id.eq(notes::id))
        .filter(crm_note_links::connection_id.eq(connection))
        .filter(crm_note_links::direction.eq(NoteDirection::In));
    notes::table
        .filter(notes::id.eq_any(ids))
        .filter(diesel::dsl::not(diesel::dsl::exists(came_in)))
        .order((notes::ticket_id, notes::seq))
        .select((
            notes::id,
            notes::ticket_id,
            notes::seq,
            notes::visibility,
            notes::author_role,
            notes::author_name,
            notes::body,
            notes::created_at,
        ))
        .load(conn)
}

/// Somebody who a case is of.
#[derive(Debug, Clone, Queryable)]
pub struct OfferedContact {
    pub id: ContactId,
    pub name: String,
    pub email: String,
    pub phone: Option<String>,
    /// The CRM's id of the contact; `None` while the contact is linked to nothing.
    pub remote_id: Option<String>,
}

/// These contacts, in no order.
pub fn offered_contacts(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ids: &[ContactId],
) -> QueryResult<Vec<OfferedContact>> {
    let link = crm_links::connection_id
        .eq(connection)
        .and(crm_links::kind.eq(LinkKind::Contact))
        .and(crm_links::local_id.eq(contacts::id));
    contacts::table
        .left_join(crm_links::table.on(link))
        .filter(contacts::id.eq_any(ids))
        .select((
            contacts::id,
            contacts::name,
            contacts::email,
            contacts::phone,
            crm_links::remote_id.nullable(),
        ))
        .load(conn)
}

/// The outcomes of those of these changes that were worked on before.
pub fn told_outcomes(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ids: &[&str],
) -> QueryResult<Vec<Value>> {
    changes::table
        .filter(changes::connection_id.eq(connection).and(changes::change_id.eq_any(ids)))
        .select(changes::outcome.assume_not_null())
        .load(conn)
}

/// Claims a change for this transaction; waits for another that has. False when it was worked on.
pub fn begin_change(
    conn: &mut PgConnection,
    connection: ConnectionId,
    id: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let row = (
        changes::connection_id.eq(connection),
        changes::change_id.eq(id),
        changes::received_at.eq(now),
    );
    let new = diesel::insert_into(changes::table).values(row).on_conflict_do_nothing();
    Ok(new.execute(conn)? == 1)
}

pub fn end_change(
    conn: &mut PgConnection,
    connection: ConnectionId,
    id: &str,
    outcome: &Value,
) -> QueryResult<usize> {
    diesel::update(changes::table.find((connection, id)))
        .set(changes::outcome.eq(outcome))
        .execute(conn)
}

/// Forgets the outcomes of changes from before `before`, up to `limit`; returns how many.
pub fn sweep_changes(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "delete from crm_changes where ctid = any(array(
           select ctid from crm_changes where received_at < $1 limit $2 for update skip locked))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
}

/// What an integration's change leaves on a mirror.
#[derive(Debug)]
pub struct Told {
    pub agreement: Value,
    pub provenance: Value,
    /// The fields that it told, as the CRM shows them.
    pub shown: Value,
    pub modified_at: DateTime<Utc>,
    /// Whether both sides now agree on everything.
    pub agreed: bool,
}

/// Saves it. An attempt of the engine that is under way loses its hold: it began with an older agreement.
pub fn save_told(
    conn: &mut PgConnection,
    mirror: &Mirror,
    told: &Told,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_mirrors set agreement = $3, last_remote = coalesce(last_remote, '{}') || $4, remote_modified_at = $5,
           fence = fence + 1, last_synced_at = $6, attempts = 0, last_error = null, error_class = null,
           dirty_since = case when not $7 then dirty_since end, provenance = $8
          where ticket_id = $1 and connection_id = $2",
    )
    .bind::<SqlUuid, _>(mirror.ticket_id.0)
    .bind::<SqlUuid, _>(mirror.connection_id.0)
    .bind::<Jsonb, _>(&told.agreement)
    .bind::<Jsonb, _>(&told.shown)
    .bind::<Timestamptz, _>(told.modified_at)
    .bind::<Timestamptz, _>(now)
    .bind::<Bool, _>(told.agreed)
    .bind::<Jsonb, _>(&told.provenance)
    .execute(conn)
}

/// Links the mirror to a case. What was agreed on with another case is forgotten, and so are its notes.
pub fn link_case(
    conn: &mut PgConnection,
    mirror: &Mirror,
    case: &str,
    now: DateTime<Utc>,
) -> QueryResult<MirrorState> {
    forget_notes(conn, mirror.connection_id, &[mirror.ticket_id.0])?;
    diesel::update(mirrors::table.find((mirror.ticket_id, mirror.connection_id)))
        .set((
            (
                mirrors::remote_id.eq(case),
                mirrors::state.eq(MirrorState::Linked),
                mirrors::generation.eq(mirrors::generation + 1),
                mirrors::agreement.eq(serde_json::json!({"base": {}, "altered": {}})),
                mirrors::sent.eq(None::<Value>),
                mirrors::last_remote.eq(None::<Value>),
                mirrors::contact_synced.eq(None::<Uuid>),
                mirrors::notes_synced_up_to.eq(0),
                mirrors::provenance.eq(serde_json::json!({})),
            ),
            (
                mirrors::dirty_since.eq(now),
                mirrors::dirty_seq.eq(mirrors::dirty_seq + 1),
                mirrors::full_check.eq(true),
                mirrors::fence.eq(mirrors::fence + 1),
                mirrors::attempts.eq(0),
                mirrors::next_attempt_at.eq(now),
                mirrors::last_error.eq(None::<String>),
                mirrors::error_class.eq(None::<String>),
            ),
        ))
        .returning(mirrors::state)
        .get_result(conn)
}
