//! Mirrors: listed, explained, tried again, linked by hand.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::{after, connection};
use crate::crm::store::{
    self, Cause, Conflict, Connection, DifferingNote, Mirror, MirrorState, Replay,
};
use crate::kernel::{AppError, ConnectionId, Page, PageRequest, TicketId};
use crate::tickets::service as tickets;

/// Tries parked or deleted mirrors again; returns how many.
pub fn retry(conn: &mut PgConnection, id: ConnectionId, which: &Replay) -> Result<usize, AppError> {
    connection(conn, id)?;
    Ok(store::replay(conn, id, which)?)
}

/// What [`retry`] would try again: how many, how many by cause, and the first of them.
pub fn preview_retry(
    conn: &mut PgConnection,
    id: ConnectionId,
    which: &Replay,
) -> Result<(i64, Vec<Cause>, Vec<Mirror>), AppError> {
    connection(conn, id)?;
    let count = store::count_replay(conn, id, which)?;
    let causes = store::causes(conn, id, Some(which))?;
    Ok((count, causes, store::would_replay(conn, id, which, PREVIEWED)?))
}

/// Items that a preview shows.
const PREVIEWED: i64 = 20;

pub fn mirrors(
    conn: &mut PgConnection,
    id: ConnectionId,
    state: Option<MirrorState>,
    request: &PageRequest,
) -> Result<Page<Mirror>, AppError> {
    connection(conn, id)?;
    let (backward, limit) = (request.backward(), request.fetch());
    let rows = store::mirrors(conn, id, state, after(request), backward, limit)?;
    Ok(request.page(rows, |row| (Value::Null, row.ticket_id.0)))
}

/// A mirror with what explains it.
pub struct Located {
    pub mirror: Mirror,
    pub connection: Connection,
    /// Those that wait for a decision.
    pub conflicts: Vec<Conflict>,
    /// Those that the CRM does not have as the desk does.
    pub notes: Vec<DifferingNote>,
}

/// The mirrors of a ticket; the caller has made sure that it may be seen.
pub fn mirrors_of(conn: &mut PgConnection, ticket: TicketId) -> Result<Vec<Located>, AppError> {
    let conflicts = store::open_conflicts(conn, ticket)?;
    let notes = store::differing_notes(conn, ticket)?;
    let connections = store::all_connections(conn)?;
    let mirrors = store::mirrors_of(conn, ticket)?;
    let locate = |mirror: Mirror| {
        let id = mirror.connection_id;
        let connection = connections.iter().find(|connection| connection.id == id)?.clone();
        let conflicts = conflicts.iter().filter(|conflict| conflict.connection_id == id);
        let notes = notes.iter().filter(|note| note.connection_id == id);
        Some(Located {
            mirror,
            connection,
            conflicts: conflicts.cloned().collect(),
            notes: notes.cloned().collect(),
        })
    };
    Ok(mirrors.into_iter().filter_map(locate).collect())
}

/// The lead of a ticket in a CRM.
pub struct LeadIn {
    pub connection: Connection,
    /// `None` until it is written.
    pub lead_id: Option<String>,
}

/// The leads of a ticket, one for each connection that writes leads or has written one.
pub fn leads(conn: &mut PgConnection, ticket: TicketId) -> Result<Vec<LeadIn>, AppError> {
    let made = store::leads_of(conn, ticket)?;
    let mut leads = Vec::new();
    for connection in store::all_connections(conn)? {
        let lead_id =
            made.iter().find(|(id, _)| *id == connection.id).map(|(_, lead)| lead.clone());
        if lead_id.is_some() || connection.settings()?.leads {
            leads.push(LeadIn { connection, lead_id });
        }
    }
    Ok(leads)
}

/// The CRM's ids of what was made of a ticket, as an integration tells them.
pub struct ToldLinks {
    pub case_id: Option<String>,
    pub lead_id: Option<String>,
}

/// Tells the case or the lead of a ticket, or both; returns all that is known, and where the mirror stands.
pub fn link(
    conn: &mut PgConnection,
    connection_id: ConnectionId,
    ticket: TicketId,
    told: ToldLinks,
    now: DateTime<Utc>,
) -> Result<(ToldLinks, MirrorState), AppError> {
    connection(conn, connection_id)?;
    let mut locked = store::lock_mirror(conn, ticket, connection_id)?;
    if locked.is_none() {
        // The relay has not come by yet, or there is no such ticket.
        store::mark_tickets(conn, &[ticket])?;
        locked = store::lock_mirror(conn, ticket, connection_id)?;
    }
    let (mirror, _) = locked.ok_or(AppError::NotFound("the ticket"))?;
    if mirror.state == MirrorState::Detached {
        let detail = "the ticket is deleted; restore it first";
        return Err(AppError::conflict("ticket_deleted", detail));
    }
    let state = match &told.case_id {
        Some(case) => link_case(conn, &mirror, case, now)?,
        None => mirror.state,
    };
    if let Some(lead) = &told.lead_id {
        if tickets::converted(conn, ticket)?.is_none() {
            return Err(AppError::conflict("not_converted", "the ticket became no lead"));
        }
        store::set_lead(conn, connection_id, ticket, lead, now)?;
    }
    let lead_id = store::lead(conn, connection_id, ticket)?;
    Ok((ToldLinks { case_id: told.case_id.or(mirror.remote_id), lead_id }, state))
}

/// A ticket that had another case is compared anew.
fn link_case(
    conn: &mut PgConnection,
    mirror: &Mirror,
    case: &str,
    now: DateTime<Utc>,
) -> Result<MirrorState, AppError> {
    // What was agreed on stays, and no note is written twice.
    if mirror.remote_id.as_deref() == Some(case) && mirror.error_class.as_deref() != Some("gone") {
        if mirror.state == MirrorState::Parked {
            store::mark_cases(conn, mirror.connection_id, &[case.to_owned()], false)?;
        }
        return Ok(MirrorState::Linked);
    }
    store::link_case(conn, mirror, case, now).map_err(|error| match crate::db::violated(&error) {
        Some("crm_mirrors_remote") => {
            AppError::conflict("already_linked", "this case belongs to another ticket")
        }
        _ => error.into(),
    })
}
