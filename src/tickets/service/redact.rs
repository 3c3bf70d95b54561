//! Take a secret out of a ticket: what never changes otherwise loses a span, everywhere it was copied to.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::rules::{Cut, RedactedField, SUBJECT_MAX, Span, cut};
use super::super::store::{self, Redaction, Ticket};
use super::{Held, InWorkflow, Told, get, hold_merged};
use crate::events::{self, EventType};
use crate::http::{self, IfMatch};
use crate::kernel::{
    Actor, AppError, Erasure, NoteId, Page, PageRequest, Permission, RedactionId, TicketId,
};
use crate::notes::{self, NoteVisibility};
use crate::{appointments, assignment, attachments};

/// What is to be taken out, and why.
#[derive(Clone)]
pub struct Redact {
    pub field: RedactedField,
    /// Of the field `note`.
    pub note_id: Option<NoteId>,
    pub span: Span,
    pub reason: String,
}

/// What was taken out of which texts, for those who have copies of them.
pub struct Redacted {
    pub redaction: Redaction,
    pub ticket: InWorkflow<Ticket>,
    pub erasure: Erasure,
    /// Subject, description or the names of attachments changed.
    pub texts: bool,
    /// The notes that changed.
    pub notes: Vec<NoteId>,
}

/// Takes a span out of a text of the ticket for good, and out of whatever of this ticket repeats it: its other texts, its
/// notes, its events, kept answers. A fragment of fewer than four characters is taken out of copies of the whole text only. The
/// event says who, where and why, and not what.
pub fn redact(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Redact,
    now: DateTime<Utc>,
) -> Result<Redacted, AppError> {
    actor.require(Permission::TicketsWork)?;
    // A merged ticket keeps its texts; what is secret goes from there too.
    let mut held = hold_merged(conn, actor, id, seen)?;
    if held.is_draft() {
        return Err(AppError::conflict("not_submitted", "a draft is changed, not redacted"));
    }
    let (text, public) = text(conn, &held.ticket, &wanted)?;
    let cut = cut(&text, &wanted.span).map_err(|error| AppError::Invalid(vec![error]))?;
    let erasure = Erasure::new(&text, &cut.text, vec![cut.secret.clone()]);
    if erasure.text(&wanted.reason).is_some() || wanted.reason.contains(&cut.secret) {
        return Err(AppError::field("/reason", "the reason repeats what is taken out"));
    }
    let redaction = record(actor, id, &wanted, &cut, now)?;
    store::insert_redaction(conn, &redaction)?;
    store::allow_redaction(conn, Some(redaction.id))?;
    let texts = erase_ticket(&mut held, &erasure)?;
    let notes = notes::erase(conn, id, &erasure)?;
    // Names and links of attachments stand in the description of the case.
    let texts = attachments::erase(conn, id, &erasure)? > 0 || texts;
    store::erase_records(conn, id, &erasure)?;
    store::erase_reply_drafts(conn, id, &erasure)?;
    assignment::erase(conn, id, &erasure)?;
    appointments::erase(conn, id, &erasure)?;
    events::erase(conn, id, &erasure)?;
    http::erase_kept_answers(conn, id.0, &erasure)?;
    let data = json!({
        "redaction_id": redaction.id, "field": redaction.field, "reason": redaction.reason,
        "note_id": redaction.note_id, "notes": notes,
    });
    let told = Told { kind: EventType::TicketRedacted, public, data };
    let ticket = held.save(conn, actor, told, now)?;
    store::allow_redaction(conn, None)?;
    Ok(Redacted { redaction, ticket, erasure, texts, notes })
}

/// The text that a redaction is about, and whether the customer sees it.
fn text(
    conn: &mut PgConnection,
    ticket: &Ticket,
    wanted: &Redact,
) -> Result<(String, bool), AppError> {
    if wanted.note_id.is_some() != (wanted.field == RedactedField::Note) {
        return Err(AppError::field("/note_id", "the field note needs a note, no other has one"));
    }
    match (wanted.field, wanted.note_id) {
        (RedactedField::Subject, _) => Ok((ticket.subject.clone(), true)),
        (RedactedField::Description, _) => Ok((ticket.description.clone(), true)),
        (RedactedField::Resolution, _) => Ok((ticket.resolution.clone().unwrap_or_default(), true)),
        (RedactedField::Note, note) => {
            let missing = || AppError::field("/note_id", "the ticket has no such note");
            let note = note.map(|note| notes::find(conn, &[ticket.id], note, false)).transpose()?;
            let note = note.flatten().ok_or_else(missing)?;
            Ok((note.body, note.visibility == NoteVisibility::Public))
        }
    }
}

fn record(
    actor: &Actor,
    ticket_id: TicketId,
    wanted: &Redact,
    cut: &Cut,
    now: DateTime<Utc>,
) -> Result<Redaction, AppError> {
    let number = |count: usize| i32::try_from(count).map_err(AppError::internal);
    Ok(Redaction {
        id: RedactionId::new(),
        ticket_id,
        field: wanted.field,
        note_id: wanted.note_id,
        start: number(cut.start)?,
        length: number(cut.length)?,
        spans: number(cut.spans)?,
        reason: wanted.reason.clone(),
        redacted_by: actor.id,
        redacted_by_name: actor.name.clone(),
        redacted_at: now,
    })
}

/// True when subject or description changed. The state before is erased too: the event must not tell what was there.
fn erase_ticket(held: &mut Held, erasure: &Erasure) -> Result<bool, AppError> {
    let (subject, description) =
        (erasure.text(&held.ticket.subject), erasure.text(&held.ticket.description));
    if subject.as_ref().is_some_and(|subject| subject.chars().count() > SUBJECT_MAX) {
        let detail = "the mark does not fit into the subject; take out a longer span";
        return Err(AppError::field("/length", detail));
    }
    let texts = subject.is_some() || description.is_some();
    let resolution = held.ticket.resolution.as_ref().and_then(|text| erasure.text(text));
    for ticket in [&mut held.before, &mut held.ticket] {
        http::set(&mut ticket.subject, subject.clone());
        http::set(&mut ticket.description, description.clone());
        http::set(&mut ticket.resolution, resolution.clone().map(Some));
    }
    Ok(texts)
}

/// What was taken out of a ticket, latest first, for who works tickets.
pub fn redactions(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    page: &PageRequest,
) -> Result<Page<Redaction>, AppError> {
    actor.require(Permission::TicketsWork)?;
    get(conn, actor, id)?;
    let after = page.cursor.as_ref().map(|cursor| cursor.id);
    let rows = store::redactions(conn, id, after, page.backward(), page.fetch())?;
    Ok(page.page(rows, |row| (Value::Null, row.id.0)))
}
