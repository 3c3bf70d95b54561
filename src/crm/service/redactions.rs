//! Text that is taken out of a ticket is taken out of what the mirror knows of it, and the CRMs are told.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Deserialize as _;
use serde_json::Value;
use uuid::Uuid;

use crate::bulk;
use crate::crm::adapters::integration;
use crate::crm::case::Case;
use crate::crm::merge::Agreement;
use crate::crm::provenance::Provenances;
use crate::crm::redaction;
use crate::crm::store::{
    self, Connection, CrmRedaction, Mirror, MirrorState, NoteDirection, RedactedIn, RedactionState,
};
use crate::http::IfMatch;
use crate::inbound;
use crate::kernel::{Actor, AppError, ConnectionId, NoteId, TicketId};
use crate::mail::service as mail;
use crate::notifications;
use crate::side_conversations;
use crate::surveys;
use crate::tickets::Redaction;
use crate::tickets::service::{self as tickets, Redact, Redacted};
use crate::time_entries;
use crate::webhooks;

/// A redaction, and how far each CRM is with it.
pub struct Told {
    pub redaction: Redaction,
    pub crm: Vec<(Connection, CrmRedaction)>,
}

/// Takes a span out of a text of the ticket, and out of every copy that the mirror keeps. The mirror writes the CRM's copies
/// anew where it can. Returns the version of the ticket too.
pub fn redact(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Redact,
    now: DateTime<Utc>,
) -> Result<(Told, i32), AppError> {
    let mirrors = store::lock_mirrors(conn, id)?;
    notifications::hold_back(conn)?;
    let done = tickets::redact(conn, actor, id, seen, wanted, now)?;
    bulk::erase(conn, id, &done.erasure)?;
    mail::erase(conn, id, &done.erasure)?;
    inbound::erase(conn, id, &done.erasure)?;
    surveys::erase(conn, id, &done.erasure)?;
    side_conversations::erase(conn, id, &done.erasure)?;
    time_entries::erase(conn, id, &done.erasure)?;
    webhooks::erase(conn, id)?;
    store::erase_records(conn, id, &done.notes, &done.erasure)?;
    let linked = store::linked_notes(conn, &done.notes)?;
    let connections = store::connections(conn, None, false, 100)?;
    let mut copies = Vec::new();
    for mut mirror in mirrors {
        let integrated =
            |c: &&Connection| c.id == mirror.connection_id && c.kind == integration::KEY;
        let known = Known {
            notes: notes_in(&linked, mirror.connection_id),
            integrated: connections.iter().find(integrated).is_some(),
            lead: store::lead(conn, mirror.connection_id, id)?.is_some(),
        };
        let own = copies_in(&mirror, &done, &known, now);
        if done.texts {
            forget_texts(&mut mirror)?;
        }
        mirror.redacting |= own.iter().any(|copy| copy.state == RedactionState::Due);
        let erased = mirror.last_error.as_ref().and_then(|error| done.erasure.text(error));
        mirror.last_error = erased.or(mirror.last_error);
        store::save_redacting(conn, &mirror)?;
        copies.extend(own);
    }
    store::insert_redactions(conn, &copies)?;
    let told = told(conn, vec![done.redaction])?.pop();
    let told = told.ok_or(AppError::NotFound("the redaction"))?;
    Ok((told, done.ticket.row.version))
}

/// The notes that a CRM has, and whether it is where they were written.
fn notes_in(
    linked: &[(ConnectionId, NoteId, NoteDirection)],
    connection: ConnectionId,
) -> Vec<(NoteId, NoteDirection)> {
    let own = linked.iter().filter(|(of, ..)| *of == connection);
    own.map(|(_, note, direction)| (*note, *direction)).collect()
}

/// What the mirror knows of a CRM's copies.
struct Known {
    notes: Vec<(NoteId, NoteDirection)>,
    /// An integration writes them.
    integrated: bool,
    lead: bool,
}

/// Where this CRM has what was taken out.
fn copies_in(
    mirror: &Mirror,
    done: &Redacted,
    known: &Known,
    now: DateTime<Utc>,
) -> Vec<CrmRedaction> {
    let gone = mirror.state == MirrorState::Deleted;
    let written = mirror.remote_id.is_some() || mirror.sent.is_some();
    let copy = |what: RedactedIn, note_id: Option<NoteId>, refused: Option<&str>| CrmRedaction {
        id: Uuid::now_v7(),
        redaction_id: done.redaction.id,
        connection_id: mirror.connection_id,
        ticket_id: mirror.ticket_id,
        what,
        note_id,
        state: match refused {
            Some(_) => RedactionState::NotPossible,
            None => RedactionState::Due,
        },
        detail: refused.map(str::to_owned),
        updated_at: now,
    };
    let deleted = gone.then_some("the case was deleted in the CRM");
    let case = (done.texts && written).then(|| copy(RedactedIn::Case, None, deleted));
    let refused = |direction| match direction {
        NoteDirection::In if known.integrated => {
            Some("the note is the CRM's own; put it right there")
        }
        _ => deleted,
    };
    let of_notes = known.notes.iter();
    let of_notes = of_notes.map(|(note, from)| copy(RedactedIn::Note, Some(*note), refused(*from)));
    // It has whatever it was offered, and is offered it anew.
    let offered = "the integration is offered the note anew";
    let offered_to =
        |note: &&NoteId| known.integrated && !known.notes.iter().any(|(n, _)| n == *note);
    let offered = done
        .notes
        .iter()
        .filter(offered_to)
        .map(|note| copy(RedactedIn::Note, Some(*note), Some(offered)));
    let wrong = "a lead is written once; put it right in the CRM";
    let lead = (done.texts && known.lead).then(|| copy(RedactedIn::Lead, None, Some(wrong)));
    case.into_iter().chain(of_notes).chain(offered).chain(lead).collect()
}

/// What both sides have agreed on, what was sent, seen and replaced: nothing of it tells the texts any more.
fn forget_texts(mirror: &mut Mirror) -> Result<(), AppError> {
    let mut agreement = Agreement::deserialize(&mirror.agreement).map_err(AppError::internal)?;
    redaction::forget(&mut agreement);
    mirror.agreement = serde_json::to_value(agreement).map_err(AppError::internal)?;
    mirror.last_remote = masked(mirror.last_remote.as_ref())?;
    // What a case was to be made with is found out anew.
    let sent = mirror.sent.as_ref().filter(|_| mirror.remote_id.is_some());
    mirror.sent = masked(sent)?;
    let mut provenance =
        Provenances::deserialize(&mirror.provenance).map_err(AppError::internal)?;
    redaction::forget_replaced(&mut provenance);
    mirror.provenance = serde_json::to_value(provenance).map_err(AppError::internal)?;
    Ok(())
}

fn masked(case: Option<&Value>) -> Result<Option<Value>, AppError> {
    let Some(case) = case else { return Ok(None) };
    let mut case = Case::deserialize(case).map_err(AppError::internal)?;
    redaction::mask(&mut case);
    serde_json::to_value(case).map(Some).map_err(AppError::internal)
}

/// How far the CRMs are with these redactions.
pub fn told(conn: &mut PgConnection, redactions: Vec<Redaction>) -> Result<Vec<Told>, AppError> {
    let ids: Vec<_> = redactions.iter().map(|redaction| redaction.id).collect();
    let copies = store::crm_redactions(conn, &ids)?;
    let connections = store::connections(conn, None, false, 100)?;
    let told = redactions.into_iter().map(|redaction| {
        let own = copies.iter().filter(|copy| copy.redaction_id == redaction.id);
        let crm = own.filter_map(|copy| {
            let connection = connections.iter().find(|c| c.id == copy.connection_id)?;
            Some((connection.clone(), copy.clone()))
        });
        Told { crm: crm.collect(), redaction }
    });
    Ok(told.collect())
}
