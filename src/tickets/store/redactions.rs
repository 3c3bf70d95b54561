//! What was taken out of tickets.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use uuid::Uuid;

use crate::db::rewrite;
use crate::db::schema::{conversions, elevations, process_steps, redactions as r, ticket_merges};
use crate::kernel::{ElevationId, Erasure, NoteId, RedactionId, TicketId};
use crate::tickets::rules::RedactedField;

/// A span that was taken out of a text. The text itself is nowhere.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = r, check_for_backend(diesel::pg::Pg))]
pub struct Redaction {
    pub id: RedactionId,
    pub ticket_id: TicketId,
    pub field: RedactedField,
    pub note_id: Option<NoteId>,
    pub start: i32,
    pub length: i32,
    pub spans: i32,
    pub reason: String,
    pub redacted_by: Uuid,
    pub redacted_by_name: String,
    pub redacted_at: DateTime<Utc>,
}

pub fn insert_redaction(conn: &mut PgConnection, new: &Redaction) -> QueryResult<usize> {
    diesel::insert_into(r::table).values(new).execute(conn)
}

/// The redactions of a ticket behind (or, `backward`, before) one, latest first; nearest first.
pub fn redactions(
    conn: &mut PgConnection,
    ticket: TicketId,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Redaction>> {
    let query = r::table.filter(r::ticket_id.eq(ticket)).select(Redaction::as_select());
    let mut query = query.limit(limit).into_boxed();
    query = match (after.map(RedactionId), backward) {
        (Some(id), true) => query.filter(r::id.gt(id)),
        (Some(id), false) => query.filter(r::id.lt(id)),
        (None, _) => query,
    };
    if backward { query.order(r::id).load(conn) } else { query.order(r::id.desc()).load(conn) }
}

define_sql_function! { fn set_config(name: Text, value: Text, local: Bool) -> Text; }

/// Until the transaction ends or another id is named, the texts of this redaction's ticket may lose what it takes out; with
/// `None` they are kept as ever.
pub fn allow_redaction(conn: &mut PgConnection, id: Option<RedactionId>) -> QueryResult<usize> {
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    diesel::select(set_config("casebridge.redaction", id, true)).execute(conn)
}

/// Takes the secret out of what was recorded beside a ticket: its elevations, the steps of its process, what it was before it
/// was merged, and what it became.
pub fn erase_records(
    conn: &mut PgConnection,
    ticket: TicketId,
    erasure: &Erasure,
) -> QueryResult<()> {
    let recorded: Vec<(ElevationId, String, String)> = elevations::table
        .filter(elevations::ticket_id.eq(ticket))
        .select((elevations::id, elevations::reason, elevations::tried))
        .load(conn)?;
    let reasons = recorded.iter().filter_map(|(id, said, _)| Some((id.0, erasure.text(said)?)));
    rewrite(conn, ("elevations", "reason"), reasons)?;
    let tried = recorded.iter().filter_map(|(id, _, said)| Some((id.0, erasure.text(said)?)));
    rewrite(conn, ("elevations", "tried"), tried)?;
    erase_steps(conn, ticket, erasure)?;
    let resolution: Option<Option<String>> = ticket_merges::table
        .find(ticket)
        .select(ticket_merges::resolution)
        .first(conn)
        .optional()?;
    if let Some(erased) = resolution.flatten().and_then(|text| erasure.text(&text)) {
        diesel::update(ticket_merges::table.find(ticket))
            .set(ticket_merges::resolution.eq(erased))
            .execute(conn)?;
    }
    let Some(mut became) = super::conversion(conn, ticket)? else { return Ok(()) };
    let reference = became.reference.as_ref().and_then(|text| erasure.text(text));
    if erasure.written(&mut became.details) || reference.is_some() {
        diesel::update(conversions::table.find(ticket))
            .set((
                conversions::details.eq(became.details),
                conversions::reference.eq(reference.or(became.reference)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn erase_steps(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let said: Vec<(i32, String)> = process_steps::table
        .filter(process_steps::ticket_id.eq(ticket))
        .filter(process_steps::reference.is_not_null())
        .select((process_steps::step, process_steps::reference.assume_not_null()))
        .load(conn)?;
    for (step, reference) in said {
        if let Some(erased) = erasure.text(&reference) {
            diesel::update(process_steps::table.find((ticket, step)))
                .set(process_steps::reference.eq(erased))
                .execute(conn)?;
        }
    }
    Ok(())
}
