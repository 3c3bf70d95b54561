//! Read tickets, within what the caller may see.
use std::sync::Arc;

use diesel::PgConnection;
use serde_json::Value;

use super::super::store::{self, Filter, Key, Located, Sort, Summary, Ticket};
use super::{InWorkflow, NOT_FOUND};
use crate::events::{self, Event};
use crate::kernel::{Actor, AppError, NoteId, Page, PageRequest, Permission, TicketId};
use crate::notes::{self, Note};
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

pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
) -> Result<Page<InWorkflow<Summary>>, AppError> {
    actor.require(Permission::TicketsRead)?;
    let key = page.cursor.as_ref().map(|cursor| {
        let value = cursor.key.as_i64();
        value
            .map(|value| Key { value, id: cursor.id })
            .ok_or(AppError::Malformed("cursor is not valid".into()))
    });
    let rows = store::list(conn, actor, filter, sort, page, key.transpose()?)?;
    let tickets = in_workflows(conn, rows)?;
    Ok(page.page(tickets, |ticket| (Value::from(sort.key(&ticket.row)), ticket.row.id.0)))
}

/// Each row with its workflow.
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
) -> Result<Vec<TicketId>, AppError> {
    actor.require(Permission::TicketsRead)?;
    Ok(store::ids(conn, actor, filter, limit)?)
}

pub fn count(conn: &mut PgConnection, actor: &Actor, filter: &Filter) -> Result<i64, AppError> {
    Ok(store::count(conn, actor, filter)?)
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

/// The tickets whose notes are the conversation on this one: itself, and those that were merged into it.
pub(super) fn conversation(
    conn: &mut PgConnection,
    ticket: &Ticket,
) -> Result<Vec<TicketId>, AppError> {
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
