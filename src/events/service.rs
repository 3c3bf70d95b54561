//! Append to the log, read a ticket's history.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::event::NewEvent;
use super::store::{self, Event, Filter};
use crate::kernel::{Actor, AppError, TicketId};

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
    Ok((events, if full { last } else { last.max(published) }))
}

/// When the oldest event that is not published yet happened; `None` when there is none.
pub fn waiting_since(conn: &mut PgConnection) -> Result<Option<DateTime<Utc>>, AppError> {
    Ok(store::waiting_since(conn)?)
}
