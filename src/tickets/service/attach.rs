//! Attach files to a ticket.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::store::Ticket;
use super::read::number;
use super::{Held, InWorkflow, Told, get, hold};
use crate::attachments::{self, Attachment, MAX, NewAttachment};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, TicketId};
use crate::notes::NoteVisibility;

/// Adds a link to a file. An internal one needs the desk's permission.
pub fn attach(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    new: NewAttachment,
    now: DateTime<Utc>,
) -> Result<(Attachment, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWrite)?;
    let public = new.visibility == NoteVisibility::Public;
    if !public {
        actor.require(Permission::TicketsWork)?;
    }
    let held = hold(conn, actor, id, IfMatch(None))?;
    let seq = next_number(conn, &held)?;
    let attachment = attachments::insert(conn, actor, id, seq, new, now)?;
    let data = json!({
        "attachment_id": attachment.id, "name": attachment.name, "url": attachment.url,
    });
    let told = Told { kind: EventType::AttachmentAdded, public, data };
    Ok((attachment, held.save(conn, actor, told, now)?))
}

fn next_number(conn: &mut PgConnection, held: &Held) -> Result<i32, AppError> {
    let there = attachments::count(conn, held.ticket.id)?;
    if there >= MAX {
        let detail = format!("a ticket has {MAX} attachments at the most");
        return Err(AppError::conflict("too_many_attachments", detail));
    }
    i32::try_from(there + 1).map_err(AppError::internal)
}

/// A page of the attachments; who does not work tickets sees the public ones.
pub fn attachments(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    page: &PageRequest,
) -> Result<Page<Attachment>, AppError> {
    get(conn, actor, id)?;
    let public_only = !actor.may(Permission::TicketsWork);
    let (from, backward) = (number(page)?, page.backward());
    let rows = attachments::page(conn, id, public_only, from, backward, page.fetch())?;
    Ok(page.page(rows, |row| (Value::from(row.seq), row.id.0)))
}
