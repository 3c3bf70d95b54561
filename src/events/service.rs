//! Append to the log, read a ticket's history.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;
use uuid::Uuid;

use super::event::{EventType, NewEvent};
use super::store::{self, Act, Event, Filter};
use crate::kernel::{Actor, AppError, ConnectionId, Erasure, NoteId, TicketId};

/// Call it in the transaction that made the event true. A ticket has one event for each of its versions.
pub fn append(conn: &mut PgConnection, actor: &Actor, event: NewEvent) -> Result<(), AppError> {
    store::insert(conn, actor, event)?;
    Ok(())
}

/// As [`append`], for many in one statement; their order is the log's.
pub fn append_all(
    conn: &mut PgConnection,
    actor: &Actor,
    events: Vec<NewEvent>,
) -> Result<(), AppError> {
    store::insert_all(conn, actor, events)?;
    Ok(())
}

/// What happened to a ticket behind (or, `backward`, before) a version, nearest first; only what the customer may
/// see when `public_only`.
pub fn history(
    conn: &mut PgConnection,
    ticket: TicketId,
    public_only: bool,
    from_version: Option<i32>,
    backward: bool,
    limit: i64,
) -> Result<Vec<Event>, AppError> {
    Ok(store::history(conn, ticket, public_only, from_version, backward, limit)?)
}

/// Up to 100 events of this kind on a ticket from `since` on, oldest first, published or not.
pub fn of_kind(
    conn: &mut PgConnection,
    ticket: TicketId,
    kind: EventType,
    since: DateTime<Utc>,
) -> Result<Vec<Event>, AppError> {
    Ok(store::of_kind(conn, ticket, kind, since)?)
}

/// Takes a secret out of what the log says of a ticket. Call it in the transaction that has recorded the redaction: the log
/// refuses any other change.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> Result<(), AppError> {
    store::erase(conn, ticket, erasure)?;
    Ok(())
}

/// When these people last did something on these tickets, beside making appointments; nothing from before `since`.
pub fn last_acts(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    actors: &[Uuid],
    since: DateTime<Utc>,
) -> Result<Vec<Act>, AppError> {
    Ok(store::last_acts(conn, tickets, actors, since)?)
}

/// The published events that match and that the caller may see, and up to where there are no others: the next reading
/// need not pass again what is not for this caller.
pub fn feed(
    conn: &mut PgConnection,
    filter: &Filter,
    caller: &Actor,
) -> Result<(Vec<Event>, i64), AppError> {
    // Read before the events, so that none of those up to it can be missing.
    let published = store::last_position(conn)?;
    if published <= filter.after {
        return Ok((Vec::new(), filter.after));
    }
    let events = store::feed(conn, filter, caller)?;
    let last = events.last().and_then(|event| event.position).unwrap_or(filter.after);
    let full = i64::try_from(events.len()).is_ok_and(|count| count >= filter.limit);
    let until = filter.until.map_or(published, |until| until.min(published));
    Ok((events, if full { last } else { last.max(until) }))
}

/// The last position that was given.
pub fn last_position(conn: &mut PgConnection) -> Result<i64, AppError> {
    Ok(store::last_position(conn)?)
}

/// The position behind which everything happened at this time or later, or so nearly; it is found from the feed's end.
pub fn position_before(conn: &mut PgConnection, time: DateTime<Utc>) -> Result<i64, AppError> {
    Ok(store::position_before(conn, time)?.unwrap_or(0))
}

/// The next published event behind `after` that moved a ticket to another status or asks for a survey of its customer, and up to
/// where there is no other.
pub fn next_move(conn: &mut PgConnection, after: i64) -> Result<(Option<Event>, i64), AppError> {
    // Read before the event, so that none of those up to it can be missing.
    let published = store::last_position(conn)?;
    let next = store::next_move(conn, after, published)?;
    let until = next.as_ref().and_then(|event| event.position).unwrap_or(published);
    Ok((next, until))
}

/// The next up to `limit` published events behind `after`, and the position of the last.
pub fn behind(
    conn: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<(Vec<Event>, i64), AppError> {
    // Read before the events, so that none of those up to it can be missing.
    let until = store::last_position(conn)?.min(after.saturating_add(limit));
    let found = if until > after { store::between(conn, after, until)? } else { Vec::new() };
    Ok((found, until.max(after)))
}

/// The events at these positions, in the order of the feed.
pub fn at(conn: &mut PgConnection, positions: &[i64]) -> Result<Vec<Event>, AppError> {
    Ok(store::at(conn, positions)?)
}

/// When the oldest event that is not published yet happened; `None` when there is none.
pub fn waiting_since(conn: &mut PgConnection) -> Result<Option<DateTime<Utc>>, AppError> {
    Ok(store::waiting_since(conn)?)
}

/// Events that are passed at a time, at the most, in search of tickets.
const PASSED: i64 = 1_000;

/// A ticket about which something was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketNews {
    pub ticket_id: TicketId,
    /// Of the last of these events.
    pub position: i64,
    /// The notes that were added.
    pub notes: Vec<NoteId>,
}

/// Up to `limit` tickets that events behind `after` are about, each once, in the order of their last event; and the
/// position up to where nothing was left out. A conflict of this connection that was decided is about its ticket too.
pub fn ticket_news(
    conn: &mut PgConnection,
    connection: ConnectionId,
    after: i64,
    limit: usize,
) -> Result<(Vec<TicketNews>, i64), AppError> {
    // Read before the events, so that none of those up to it can be missing.
    let until = store::last_position(conn)?.min(after.saturating_add(PASSED));
    if until <= after {
        return Ok((Vec::new(), after));
    }
    let passed = store::about_tickets(conn, connection, after, until)?;
    let passed = passed.into_iter().map(|(position, ticket, note, notes)| {
        let (mut all, note) = (note_ids(notes), note_ids(note));
        all.extend(note.into_iter().filter(|id| !all.contains(id)).collect::<Vec<_>>());
        (position, ticket, all)
    });
    Ok(by_ticket(passed.collect(), until, limit))
}

/// The ids that an event's data hold: one, a list, or none.
fn note_ids(value: Option<Value>) -> Vec<NoteId> {
    let ids = match value {
        Some(Value::Array(ids)) => ids,
        Some(id) => vec![id],
        None => Vec::new(),
    };
    ids.iter().filter_map(|id| id.as_str()?.parse().ok()).map(NoteId).collect()
}

/// Stops before the first event of one ticket too many: no event of a ticket that is told is left to be told again.
fn by_ticket(
    passed: Vec<(i64, TicketId, Vec<NoteId>)>,
    mut until: i64,
    limit: usize,
) -> (Vec<TicketNews>, i64) {
    let mut places = HashMap::new();
    let mut news: Vec<TicketNews> = Vec::new();
    for (position, ticket_id, notes) in passed {
        let place = *places.entry(ticket_id).or_insert(news.len());
        if place == limit {
            until = position - 1;
            break;
        }
        if place == news.len() {
            news.push(TicketNews { ticket_id, position, notes: Vec::new() });
        }
        news[place].position = position;
        news[place].notes.extend(notes);
    }
    news.sort_unstable_by_key(|ticket| ticket.position);
    (news, until)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the feed is cut into pages, every event is told once, in the order of the pages.
        #[test]
        fn pages_of_tickets_leave_no_event_out(
            tickets in prop::collection::vec(0_u128..12, 0..80),
            limit in 1_usize..5,
        ) {
            let id = |n: u128| uuid::Uuid::from_u128(n + 1);
            // Each event adds a note that has the event's position as its id.
            let all: Vec<_> = (1_i64..).zip(&tickets)
                .map(|(at, ticket)| (at, TicketId(id(*ticket)), vec![NoteId(id(at as u128))]))
                .collect();
            let end = all.len() as i64;
            let (mut after, mut told) = (0, 0);
            while after < end {
                let rest = all[after as usize..].to_vec();
                let (news, until) = by_ticket(rest, end, limit);
                prop_assert!(until > after && news.len() <= limit);
                let mut notes: Vec<NoteId> = Vec::new();
                for ticket in &news {
                    prop_assert!(ticket.position <= until);
                    prop_assert_eq!(Some(&NoteId(id(ticket.position as u128))), ticket.notes.last());
                    notes.extend(&ticket.notes);
                }
                notes.sort_unstable();
                let expected: Vec<_> = (after + 1..=until).map(|at| NoteId(id(at as u128))).collect();
                prop_assert_eq!(&notes, &expected);
                told += notes.len();
                after = until;
            }
            prop_assert_eq!(told, all.len());
        }
    }
}
