//! Read side conversations, within what the caller may see.
use diesel::PgConnection;
use serde_json::Value;
use uuid::Uuid;

use super::{NOT_FOUND, require};
use crate::kernel::{
    Actor, AppError, Page, PageRequest, Permission, SideConversationId, SideMessageId, TicketId,
};
use crate::side_conversations::rules::SideConversationState;
use crate::side_conversations::store::{self, SideConversation, SideMessage};
use crate::tickets::service as tickets;

/// A page of a ticket's side conversations and of those of the tickets that were merged into it, latest first.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    state: Option<SideConversationState>,
    page: &PageRequest,
) -> Result<Page<SideConversation>, AppError> {
    let tickets = together(conn, actor, ticket)?;
    let rows = store::list(conn, &tickets, state, page)?;
    Ok(page.page(rows, |side| (Value::Null, side.id.0)))
}

pub fn get(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: SideConversationId,
) -> Result<SideConversation, AppError> {
    let tickets = together(conn, actor, ticket)?;
    let side = store::find(conn, id)?.filter(|side| tickets.contains(&side.ticket_id));
    side.ok_or(NOT_FOUND)
}

/// What was said, oldest first.
pub fn messages(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: SideConversationId,
    page: &PageRequest,
) -> Result<(SideConversation, Page<SideMessage>), AppError> {
    let side = get(conn, actor, ticket, id)?;
    let wrong = || AppError::Malformed("cursor is not valid".into());
    let number = |key: &Value| key.as_i64().and_then(|number| i32::try_from(number).ok());
    let from = page.cursor.as_ref().map(|cursor| number(&cursor.key).ok_or_else(wrong));
    let (from, backward) = (from.transpose()?, page.backward());
    let rows = store::messages(conn, id, from, backward, page.fetch())?;
    let found = page.page(rows, |message| (Value::from(message.seq), Uuid::nil()));
    Ok((side, found))
}

pub fn message(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: SideConversationId,
    message: SideMessageId,
) -> Result<(SideConversation, SideMessage), AppError> {
    let side = get(conn, actor, ticket, id)?;
    let found = store::message(conn, id, message)?.ok_or(AppError::NotFound("the message"))?;
    Ok((side, found))
}

fn together(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
) -> Result<Vec<TicketId>, AppError> {
    require(actor, Permission::TicketsRead)?;
    let ticket = tickets::get(conn, actor, ticket)?.row;
    tickets::conversation(conn, &ticket)
}
