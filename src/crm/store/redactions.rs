//! Where a CRM has text that was taken out at the desk.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::links::NoteDirection;
use super::mirrors::Mirror;
use crate::crm::case::Field;
use crate::db::schema::{
    crm_changes as changes, crm_conflicts as conflicts, crm_differences as differences,
    crm_mirrors, crm_note_links as note_links, crm_redactions as r, notes,
};
use crate::kernel::{
    ConflictId, ConnectionId, DifferenceId, Erasure, NoteId, RedactionId, TicketId, text_enum,
};

text_enum! {
    /// What of a CRM has the text.
    RedactedIn {
        Case = "case",
        Note = "note",
        Lead = "lead",
    }
}

text_enum! {
    /// How far a CRM is.
    RedactionState {
        /// The mirror will write it.
        Due = "due",
        /// The CRM has the text without the secret.
        Done = "done",
        /// The mirror cannot write it: somebody has to, in the CRM.
        NotPossible = "not_possible",
    }
}

/// A text of a CRM that has lost a secret, or is to.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = r, check_for_backend(diesel::pg::Pg))]
pub struct CrmRedaction {
    pub id: Uuid,
    pub redaction_id: RedactionId,
    pub connection_id: ConnectionId,
    pub ticket_id: TicketId,
    pub what: RedactedIn,
    pub note_id: Option<NoteId>,
    pub state: RedactionState,
    pub detail: Option<String>,
    pub updated_at: DateTime<Utc>,
}

pub fn insert_redactions(conn: &mut PgConnection, new: &[CrmRedaction]) -> QueryResult<usize> {
    diesel::insert_into(r::table).values(new).execute(conn)
}

/// How far the CRMs are with these redactions.
pub fn crm_redactions(
    conn: &mut PgConnection,
    redactions: &[RedactionId],
) -> QueryResult<Vec<CrmRedaction>> {
    r::table
        .filter(r::redaction_id.eq_any(redactions))
        .order(r::id)
        .select(CrmRedaction::as_select())
        .load(conn)
}

/// A note that the CRM has as it was.
#[derive(Debug, Clone, Queryable)]
pub struct DueNote {
    pub note_id: NoteId,
    pub remote_id: String,
    pub visibility: String,
    pub author_role: String,
    pub author_name: String,
    pub body: String,
    /// Whether it came from the CRM.
    pub direction: NoteDirection,
}

/// The notes of a mirror that are to be written anew, each once.
pub fn due_notes(
    conn: &mut PgConnection,
    ticket: TicketId,
    connection: ConnectionId,
) -> QueryResult<Vec<DueNote>> {
    let due = r::table
        .filter(r::ticket_id.eq(ticket).and(r::connection_id.eq(connection)))
        .filter(r::state.eq(RedactionState::Due))
        .select(r::note_id);
    notes::table
        .inner_join(note_links::table)
        .filter(note_links::connection_id.eq(connection))
        .filter(notes::id.nullable().eq_any(due))
        .order(notes::seq)
        .select((
            notes::id,
            note_links::remote_id,
            notes::visibility,
            notes::author_role,
            notes::author_name,
            notes::body,
            note_links::direction,
        ))
        .load(conn)
}

/// What became of what was due: of a note, or of the case when `note` is `None`.
pub fn redaction_told(
    conn: &mut PgConnection,
    (ticket, connection): (TicketId, ConnectionId),
    note: Option<NoteId>,
    refused: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let state = if refused.is_some() { RedactionState::NotPossible } else { RedactionState::Done };
    let due = r::table
        .filter(r::ticket_id.eq(ticket).and(r::connection_id.eq(connection)))
        .filter(r::state.eq(RedactionState::Due))
        .filter(r::note_id.is_not_distinct_from(note));
    diesel::update(due)
        .set((r::state.eq(state), r::detail.eq(refused), r::updated_at.eq(now)))
        .execute(conn)
}

/// The CRM has everything that was taken out as the desk has it.
pub fn end_redacting(conn: &mut PgConnection, mirror: &Mirror) -> QueryResult<usize> {
    diesel::update(crm_mirrors::table.find((mirror.ticket_id, mirror.connection_id)))
        .set(crm_mirrors::redacting.eq(false))
        .execute(conn)
}

/// The mirrors of a ticket, locked in their order. They are locked before their ticket, here as everywhere.
pub fn lock_mirrors(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Vec<Mirror>> {
    crm_mirrors::table
        .filter(crm_mirrors::ticket_id.eq(ticket))
        .order(crm_mirrors::connection_id)
        .select(Mirror::as_select())
        .for_no_key_update()
        .load(conn)
}

/// Which connections have these notes, and where each was written; deleted ones too.
pub fn linked_notes(
    conn: &mut PgConnection,
    notes: &[NoteId],
) -> QueryResult<Vec<(ConnectionId, NoteId, NoteDirection)>> {
    note_links::table
        .filter(note_links::note_id.eq_any(notes))
        .order((note_links::connection_id, note_links::note_id))
        .select((note_links::connection_id, note_links::note_id, note_links::direction))
        .load(conn)
}

/// Saves what a mirror knows of its case without the secret. An attempt that is under way loses its hold: it has read the text as
/// it was.
pub fn save_redacting(conn: &mut PgConnection, mirror: &Mirror) -> QueryResult<usize> {
    diesel::update(crm_mirrors::table.find((mirror.ticket_id, mirror.connection_id)))
        .set((
            crm_mirrors::agreement.eq(&mirror.agreement),
            crm_mirrors::sent.eq(&mirror.sent),
            crm_mirrors::last_remote.eq(&mirror.last_remote),
            crm_mirrors::provenance.eq(&mirror.provenance),
            crm_mirrors::last_error.eq(&mirror.last_error),
            crm_mirrors::redacting.eq(mirror.redacting),
            crm_mirrors::fence.eq(mirror.fence + 1),
        ))
        .execute(conn)
}

/// Takes a secret out of what was recorded of a ticket: conflicts, differences, what the CRMs did not keep of its notes, and
/// outcomes of told changes.
pub fn erase_records(
    conn: &mut PgConnection,
    ticket: TicketId,
    notes: &[NoteId],
    erasure: &Erasure,
) -> QueryResult<()> {
    diesel::update(note_links::table.filter(note_links::note_id.eq_any(notes)))
        .set(note_links::altered.eq(None::<Value>))
        .execute(conn)?;
    erase_conflicts(conn, ticket, erasure)?;
    erase_differences(conn, ticket, erasure)?;
    let of_ticket = changes::outcome.retrieve_as_text("ticket_id").eq(ticket.to_string());
    let told: Vec<(ConnectionId, String, Value)> = changes::table
        .filter(of_ticket)
        .select((changes::connection_id, changes::change_id, changes::outcome.assume_not_null()))
        .load(conn)?;
    for (connection, change, mut outcome) in told {
        if erasure.json(&mut outcome) {
            diesel::update(changes::table.find((connection, change)))
                .set(changes::outcome.eq(outcome))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// The texts without the secret; `None` when none of them held it.
fn erased<const N: usize>(
    erasure: &Erasure,
    texts: [Option<String>; N],
) -> Option<[Option<String>; N]> {
    let mut any = false;
    let erased = texts.map(|text| {
        let without = text.as_ref().and_then(|text| erasure.text(text));
        any |= without.is_some();
        without.or(text)
    });
    any.then_some(erased)
}

fn erase_conflicts(
    conn: &mut PgConnection,
    ticket: TicketId,
    erasure: &Erasure,
) -> QueryResult<()> {
    type Row = (ConflictId, Option<String>, Option<String>, Option<String>, Option<String>);
    let about_texts = conflicts::field.eq_any([Field::Subject, Field::Description]);
    let all: Vec<Row> = conflicts::table
        .filter(conflicts::ticket_id.eq(ticket).and(about_texts))
        .select((
            conflicts::id,
            conflicts::base,
            conflicts::desk.nullable(),
            conflicts::crm.nullable(),
            conflicts::losing_value,
        ))
        .load(conn)?;
    for (id, base, desk, crm, losing) in all {
        let Some([base, desk, crm, losing]) = erased(erasure, [base, desk, crm, losing]) else {
            continue;
        };
        diesel::update(conflicts::table.find(id))
            .set((
                conflicts::base.eq(base),
                conflicts::desk.eq(desk.unwrap_or_default()),
                conflicts::crm.eq(crm.unwrap_or_default()),
                conflicts::losing_value.eq(losing),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn erase_differences(
    conn: &mut PgConnection,
    ticket: TicketId,
    erasure: &Erasure,
) -> QueryResult<()> {
    type Row = (DifferenceId, Option<String>, Option<String>, Option<String>);
    let text = differences::field.eq_any([Field::Subject, Field::Description]);
    let all: Vec<Row> = differences::table
        .filter(differences::ticket_id.eq(ticket))
        .filter(differences::field.is_null().or(text.assume_not_null()))
        .select((differences::id, differences::base, differences::desk, differences::crm))
        .load(conn)?;
    for (id, base, desk, crm) in all {
        let Some([base, desk, crm]) = erased(erasure, [base, desk, crm]) else { continue };
        diesel::update(differences::table.find(id))
            .set((differences::base.eq(base), differences::desk.eq(desk), differences::crm.eq(crm)))
            .execute(conn)?;
    }
    Ok(())
}
