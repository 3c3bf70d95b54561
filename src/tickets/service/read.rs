//! Read tickets, within what the caller may see.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::super::store::{self, Filter, Located, Selection, Sort, Summary, Ticket};
use super::{InWorkflow, NOT_FOUND};
use crate::events::{self, Event};
use crate::kernel::{Actor, AppError, NoteId, Page, PageRequest, Permission, TicketId, Visibility};
use crate::notes::{self, Note};
use crate::people;
use crate::workflow;

pub fn get(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsRead)?;
    let Located { row, revision } = store::find(conn, actor, id)?.ok_or(NOT_FOUND)?;
    let workflow = workflow::load(conn, row.workflow_id, revision)?;
    Ok(InWorkflow { row, workflow })
}

/// A page of tickets. `now` decides what is due.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<Page<InWorkflow<Summary>>, AppError> {
    require_to_list(actor, filter)?;
    let filter = &resolved(conn, actor, filter)?;
    let key = page.cursor.as_ref().map(|cursor| {
        let key = sort.parse_key(&cursor.key, cursor.id);
        key.ok_or(AppError::Malformed("cursor is not valid".into()))
    });
    let rows = store::list(conn, actor, filter, sort, page, key.transpose()?, now)?;
    let tickets = in_workflows(conn, rows)?;
    Ok(page.page(tickets, |ticket| (sort.key(&ticket.row), ticket.row.id.0)))
}

/// Fails with [`AppError::Forbidden`]; the deleted tickets are for those who may restore them.
pub(super) fn require_to_list(actor: &Actor, filter: &Filter) -> Result<(), AppError> {
    actor.require(Permission::TicketsRead)?;
    if filter.deleted { actor.require(Permission::TicketsDelete) } else { Ok(()) }
}

/// The filter with what it takes a look into the database to know.
pub(super) fn resolved(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
) -> Result<Filter, AppError> {
    let mut filter = [filter.clone()];
    resolve_awaiting(conn, &mut filter)?;
    let [mut filter] = filter;
    // Not for contacts, who would learn which addresses are known.
    if let Some(words) = filter.q.as_mut().filter(|_| !actor.is_contact())
        && let Some(email) = &words.email
    {
        words.contact = people::contact_by_email(conn, email)?;
    }
    Ok(filter)
}

/// Gives the filters the codes of the statuses that they ask for.
fn resolve_awaiting(conn: &mut PgConnection, filters: &mut [Filter]) -> Result<(), AppError> {
    if filters.iter().all(|filter| filter.awaiting.is_empty()) {
        return Ok(());
    }
    let statuses = workflow::awaiting_codes(conn)?;
    for filter in filters {
        let asked = statuses.iter().filter(|(awaiting, _)| filter.awaiting.contains(awaiting));
        filter.awaiting_codes = asked.map(|(_, code)| code.clone()).collect();
    }
    Ok(())
}

/// The rows, each with its workflow.
pub(super) fn in_workflows(
    conn: &mut PgConnection,
    rows: Vec<Located<Summary>>,
) -> Result<Vec<InWorkflow<Summary>>, AppError> {
    let mut tickets: Vec<InWorkflow<Summary>> = Vec::with_capacity(rows.len());
    for Located { row, revision } in rows {
        // Neighbours mostly share a workflow; another one is in memory, unless it was changed a moment ago.
        let same = tickets.last().map(|ticket| &ticket.workflow).filter(|w| w.revision == revision);
        let workflow = match same {
            Some(same) => Arc::clone(same),
            None => workflow::load(conn, row.workflow_id, revision)?,
        };
        tickets.push(InWorkflow { row, workflow });
    }
    Ok(tickets)
}

/// The ids of up to `limit` tickets that the caller finds, newest first.
pub fn ids(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<TicketId>, AppError> {
    require_to_list(actor, filter)?;
    let filter = &resolved(conn, actor, filter)?;
    Ok(store::ids(conn, actor, filter, limit, now)?)
}

pub fn count(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    now: DateTime<Utc>,
) -> Result<i64, AppError> {
    require_to_list(actor, filter)?;
    let filter = &resolved(conn, actor, filter)?;
    Ok(store::count(conn, actor, filter, now)?)
}

/// The tickets that the caller finds, as a part of another query; `None` when these are all that are not deleted.
pub fn selection(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    now: DateTime<Utc>,
) -> Result<Option<Selection>, AppError> {
    require_to_list(actor, filter)?;
    if actor.visibility() == Visibility::All && *filter == Filter::default() {
        return Ok(None);
    }
    let filter = &resolved(conn, actor, filter)?;
    Ok(Some(Selection::new(actor, filter, now)))
}

/// Tickets are counted as far as this; one more stands for more.
pub const COUNTED_MAX: i64 = 1_000;

/// How many tickets each filter finds, up to [`COUNTED_MAX`] and one, all in one statement.
pub fn counts(
    conn: &mut PgConnection,
    actor: &Actor,
    filters: &[Filter],
    now: DateTime<Utc>,
) -> Result<Vec<i64>, AppError> {
    filters.iter().try_for_each(|filter| require_to_list(actor, filter))?;
    let mut filters = filters.to_vec();
    resolve_awaiting(conn, &mut filters)?;
    Ok(store::counts(conn, actor, &filters, COUNTED_MAX + 1, now)?)
}

/// One note of the conversation; who does not work tickets sees public ones only.
pub fn note(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: NoteId,
) -> Result<Note, AppError> {
    let ticket = get(conn, actor, ticket)?.row;
    let conversation = conversation(conn, &ticket)?;
    let note = notes::find(conn, &conversation, id, !actor.may(Permission::TicketsWork))?;
    note.ok_or(AppError::NotFound("the note"))
}

/// The tickets whose notes and watchers are this one's: itself, and those that were merged into it.
pub fn conversation(conn: &mut PgConnection, ticket: &Ticket) -> Result<Vec<TicketId>, AppError> {
    match ticket.merged_count {
        0 => Ok(vec![ticket.id]),
        _ => Ok(store::merged(conn, ticket.id)?),
    }
}

/// A page of the conversation; who does not work tickets sees the public notes. A cursor holds a note's number and id: the
/// number is the place among the ticket's own notes, and the id is, among those of several tickets.
pub fn notes(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    page: &PageRequest,
) -> Result<Page<Note>, AppError> {
    let ticket = get(conn, actor, id)?.row;
    let public_only = !actor.may(Permission::TicketsWork);
    let (backward, fetch) = (page.backward(), page.fetch());
    let rows = if ticket.merged_count == 0 {
        notes::page(conn, id, public_only, number(page)?, backward, fetch)?
    } else {
        let tickets = conversation(conn, &ticket)?;
        let from = page.cursor.as_ref().map(|cursor| NoteId(cursor.id));
        notes::joint_page(conn, &tickets, public_only, from, backward, fetch)?
    };
    Ok(page.page(rows, |note| (Value::from(note.seq), note.id.0)))
}

/// A page of what happened to the ticket; who does not work tickets sees what is public.
pub fn history(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    page: &PageRequest,
) -> Result<Page<Event>, AppError> {
    get(conn, actor, id)?;
    let rows = events::history(
        conn,
        id,
        !actor.may(Permission::TicketsWork),
        number(page)?,
        page.backward(),
        page.fetch(),
    )?;
    Ok(page.page(rows, |event| (Value::from(event.ticket_version), uuid::Uuid::nil())))
}

/// The number of a note or version that a cursor holds.
pub(super) fn number(page: &PageRequest) -> Result<Option<i32>, AppError> {
    let Some(cursor) = &page.cursor else { return Ok(None) };
    let number = cursor.key.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(Some).ok_or_else(|| AppError::Malformed("cursor is not valid".into()))
}
