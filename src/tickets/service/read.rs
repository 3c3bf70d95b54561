//! Read tickets, within what the caller may see.
use diesel::PgConnection;
use serde_json::Value;

use super::super::store::{self, Elevation, Filter, Key, Sort, Summary, Ticket};
use super::{NOT_FOUND, Placed, placed};
use crate::assignment::{self, Assignment};
use crate::events::{self, Event};
use crate::kernel::{Actor, AgentId, AppError, Page, PageRequest, Permission, TicketId};
use crate::notes::{self, Note};

pub fn get(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<Placed<Ticket>, AppError> {
    actor.require(Permission::TicketsRead)?;
    seen(conn, actor, id)
}

/// The ticket, if the caller may see it, whatever else they may do.
fn seen(conn: &mut PgConnection, actor: &Actor, id: TicketId) -> Result<Placed<Ticket>, AppError> {
    let located = store::find(conn, actor, id)?.ok_or(NOT_FOUND)?;
    let workflow = located.row.workflow_id;
    placed(conn, located, workflow)
}

pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
) -> Result<Page<Placed<Summary>>, AppError> {
    actor.require(Permission::TicketsRead)?;
    let key = page.cursor.as_ref().map(|cursor| {
        let value = cursor.key.as_i64();
        value
            .map(|value| Key { value, id: cursor.id })
            .ok_or(AppError::Malformed("cursor is not valid".into()))
    });
    let rows = store::list(conn, actor, filter, sort, page, key.transpose()?)?;
    let page = page.page(rows, |located| (Value::from(sort.key(&located.row)), located.row.id.0));
    page.try_map(|located| {
        let workflow = located.row.workflow_id;
        placed(conn, located, workflow)
    })
}

pub fn count(conn: &mut PgConnection, actor: &Actor, filter: &Filter) -> Result<i64, AppError> {
    Ok(store::count(conn, actor, filter)?)
}

/// A page of the conversation; a contact sees the public notes.
pub fn notes(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    page: &PageRequest,
) -> Result<Page<Note>, AppError> {
    get(conn, actor, id)?;
    let public_only = !actor.may(Permission::TicketsWork);
    let rows = notes::page(conn, id, public_only, number(page)?, page.backward(), page.fetch())?;
    Ok(page.page(rows, |note| (Value::from(note.seq), note.id.0)))
}

/// A page of what happened to the ticket; a contact sees what is public.
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
        actor.is_contact(),
        number(page)?,
        page.backward(),
        page.fetch(),
    )?;
    Ok(page.page(rows, |event| (Value::from(event.ticket_version), uuid::Uuid::nil())))
}

pub fn elevations(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<Vec<Elevation>, AppError> {
    actor.require(Permission::TicketsWork)?;
    seen(conn, actor, id)?;
    Ok(store::elevations(conn, id)?)
}

/// Who has the ticket, and the decisions that led there, latest first.
pub fn explain_assignment(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<(Option<AgentId>, Vec<Assignment>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let assignee = seen(conn, actor, id)?.row.assignee_id;
    Ok((assignee, assignment::explain(conn, id)?))
}

/// The number of a note or version that a cursor holds.
fn number(page: &PageRequest) -> Result<Option<i32>, AppError> {
    let Some(cursor) = &page.cursor else { return Ok(None) };
    let number = cursor.key.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(Some).ok_or_else(|| AppError::Malformed("cursor is not valid".into()))
}
