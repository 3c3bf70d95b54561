//! Search tickets by words, best first.
use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::super::rules::{Piece, Words};
use super::super::store::{self, Filter, Ranked, Summary};
use super::InWorkflow;
use super::read::{in_workflows, require_to_list, resolved};
use crate::kernel::{Actor, AppError, NoteId, Page, PageRequest, Permission, TicketId};
use crate::notes;

/// How many matches are ranked: the newest, when a ticket has a common word.
pub const RANKED_MAX: usize = 100;
/// How many notes of a ticket are looked through for highlights, and how many characters of each text.
const NOTES_EACH: i32 = 20;
const TEXT_LENGTH: i32 = 10_000;
/// How many notes of a ticket are shown.
const NOTES_SHOWN: usize = 2;

/// A ticket that has the words.
pub struct Found {
    pub ticket: InWorkflow<Summary>,
    /// In millionths.
    pub rank: i64,
    pub highlights: Vec<Highlight>,
}

/// Where a ticket has the words.
pub struct Highlight {
    pub place: Place,
    pub pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Subject,
    Description,
    Note(NoteId),
}

/// A page of what was found, best first, and whether there were more matches than are ranked.
pub fn search(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<(Page<Found>, bool), AppError> {
    require_to_list(actor, filter)?;
    let filter = resolved(conn, actor, filter)?;
    let Some(words) = &filter.q else {
        return Err(AppError::Malformed("query parameter q: what to search for".into()));
    };
    // One more tells whether there are more.
    let most = i64::try_from(RANKED_MAX).unwrap_or(i64::MAX) + 1;
    let ranked = store::ranked(conn, actor, &filter, words, most, now)?;
    let (ranked, truncated) = best_first(ranked);
    let ranked = of_page(ranked, page)?;
    let found = load(conn, actor, words, &ranked)?;
    let page = page.page(found, |found| (Value::from(found.rank), found.ticket.row.id.0));
    Ok((page, truncated))
}

/// The newest, each once, best first; and whether there were more. The ticket whose number was searched for is among them.
fn best_first(mut ranked: Vec<Ranked>) -> (Vec<Ranked>, bool) {
    ranked.sort_unstable_by_key(|found| Reverse((found.by_number, found.created_at, found.id)));
    ranked.dedup();
    let truncated = ranked.len() > RANKED_MAX;
    ranked.truncate(RANKED_MAX);
    ranked.sort_unstable_by_key(|found| Reverse((found.rank, found.id)));
    (ranked, truncated)
}

/// Those that `page` holds, and one more, in the order of the page or in the opposite one when it goes backward.
fn of_page(mut ranked: Vec<Ranked>, page: &PageRequest) -> Result<Vec<Ranked>, AppError> {
    if page.backward() {
        ranked.reverse();
    }
    if let Some(cursor) = &page.cursor {
        let rank = cursor.key.as_i64();
        let rank = rank.ok_or_else(|| AppError::Malformed("cursor is not valid".into()))?;
        let key = (rank, TicketId(cursor.id));
        let backward = page.backward();
        ranked.retain(|found| match backward {
            false => (found.rank, found.id) < key,
            true => (found.rank, found.id) > key,
        });
    }
    ranked.truncate(usize::try_from(page.fetch()).unwrap_or(usize::MAX));
    Ok(ranked)
}

fn load(
    conn: &mut PgConnection,
    actor: &Actor,
    words: &Words,
    ranked: &[Ranked],
) -> Result<Vec<Found>, AppError> {
    let ids: Vec<TicketId> = ranked.iter().map(|found| found.id).collect();
    let mut rows = store::summaries(conn, actor, &ids)?;
    let place: HashMap<TicketId, usize> =
        ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_unstable_by_key(|located| place.get(&located.row.id).copied());
    let ranks: HashMap<TicketId, i64> = ranked.iter().map(|found| (found.id, found.rank)).collect();
    let tickets = in_workflows(conn, rows)?;
    let mut highlights = highlights(conn, actor, words, &tickets)?;
    let found = |ticket: InWorkflow<Summary>| Found {
        rank: ranks.get(&ticket.row.id).copied().unwrap_or_default(),
        highlights: highlights.remove(&ticket.row.id).unwrap_or_default(),
        ticket,
    };
    Ok(tickets.into_iter().map(found).collect())
}

/// Where the tickets have the words, in what the caller may read: subject, description, newest notes.
fn highlights(
    conn: &mut PgConnection,
    actor: &Actor,
    words: &Words,
    tickets: &[InWorkflow<Summary>],
) -> Result<HashMap<TicketId, Vec<Highlight>>, AppError> {
    let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.row.id).collect();
    let mut shown: HashMap<TicketId, Vec<Highlight>> = HashMap::new();
    let mut show = |ticket: TicketId, place: Place, text: &str| {
        let of_ticket = shown.entry(ticket).or_default();
        let notes = of_ticket.iter().filter(|h| matches!(h.place, Place::Note(_))).count();
        if notes < NOTES_SHOWN
            && let Some(pieces) = words.highlight(text)
        {
            of_ticket.push(Highlight { place, pieces });
        }
    };
    for ticket in tickets {
        show(ticket.row.id, Place::Subject, &ticket.row.subject);
    }
    for (ticket, text) in store::descriptions(conn, &ids, TEXT_LENGTH)? {
        show(ticket, Place::Description, &text);
    }
    let public_only = !actor.may(Permission::TicketsWork);
    for note in notes::recent_texts(conn, &ids, public_only, (NOTES_EACH, TEXT_LENGTH))? {
        show(note.ticket_id, Place::Note(note.id), &note.body);
    }
    Ok(shown)
}
