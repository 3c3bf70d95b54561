//! Attach files to a ticket, and find them again.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::store::{self, Ticket};
use super::read::number;
use super::{Held, InWorkflow, Told, get, hold, refuse_deleted, refuse_merged};
use crate::attachments::{
    self, Attached, Attachment, Content, MAX, NewAttachment, StoredFile, hex,
};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, AttachmentId, Page, PageRequest, Permission, TicketId};
use crate::notes::NoteVisibility;

const NOT_FOUND: AppError = AppError::NotFound("the attachment");

/// Adds a link, or a file that is stored already. An internal one needs the desk's permission.
pub fn attach(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    new: NewAttachment,
    now: DateTime<Utc>,
) -> Result<(Attached, InWorkflow<Ticket>), AppError> {
    require(actor, new.visibility)?;
    let public = new.visibility == NoteVisibility::Public;
    let held = hold(conn, actor, id, IfMatch(None))?;
    let file = match &new.content {
        Content::Link(_) => None,
        Content::File(file) => Some(file.clone()),
    };
    let seq = next_number(conn, &held, file.as_ref())?;
    if let Some(file) = &file
        && !attachments::claim(conn, file.id)?
    {
        let detail = "the file was attached already, or was uploaded too long ago";
        return Err(AppError::conflict("upload_gone", detail));
    }
    let attachment = attachments::insert(conn, actor, id, seq, new, now)?;
    let told = Told { kind: EventType::AttachmentAdded, public, data: about(&attachment, file) };
    let ticket = held.save(conn, actor, told, now)?;
    let attached = attachments::find(conn, attachment.id)?.ok_or(NOT_FOUND)?;
    Ok((attached, ticket))
}

/// Adds a file under its own name, for those who receive files themselves.
pub fn attach_file(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    visibility: NoteVisibility,
    file: StoredFile,
    now: DateTime<Utc>,
) -> Result<(Attached, InWorkflow<Ticket>), AppError> {
    let new = NewAttachment { visibility, name: file.name.clone(), content: Content::File(file) };
    attach(conn, actor, id, new, now)
}

/// Fails as [`attach`] would with a file of one byte: asked before a file is received.
pub fn may_attach(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    limit: i64,
) -> Result<(), AppError> {
    actor.require(Permission::TicketsWrite)?;
    let ticket = get(conn, actor, id)?;
    refuse_deleted(&ticket.row)?;
    refuse_merged(conn, &ticket.row)?;
    room(conn, id, Some((1, limit)))?;
    Ok(())
}

fn require(actor: &Actor, visibility: NoteVisibility) -> Result<(), AppError> {
    actor.require(Permission::TicketsWrite)?;
    match visibility {
        NoteVisibility::Public => Ok(()),
        NoteVisibility::Internal => actor.require(Permission::TicketsWork),
    }
}

/// What an event says of what was attached.
fn about(attachment: &Attachment, file: Option<StoredFile>) -> Value {
    let mut data = json!({
        "attachment_id": attachment.id, "name": attachment.name, "url": attachment.url,
    });
    if let Some(file) = file {
        let sha256 = hex(&file.sha256);
        data["file"] = json!({"media_type": file.media_type, "size": file.size, "sha256": sha256});
    }
    data
}

fn next_number(
    conn: &mut PgConnection,
    held: &Held,
    file: Option<&StoredFile>,
) -> Result<i32, AppError> {
    let there = room(conn, held.ticket.id, file.map(|file| (file.size, file.ticket_limit)))?;
    i32::try_from(there + 1).map_err(AppError::internal)
}

/// How many attachments the ticket has. Fails when there is no room for another one: bytes, and how many there may be.
fn room(conn: &mut PgConnection, id: TicketId, file: Option<(i64, i64)>) -> Result<i64, AppError> {
    let (there, bytes) = attachments::usage(conn, id)?;
    if there >= MAX {
        let detail = format!("a ticket has {MAX} attachments at the most");
        return Err(AppError::conflict("too_many_attachments", detail));
    }
    if let Some((size, limit)) = file
        && bytes.saturating_add(size) > limit
    {
        let detail = format!("the files of a ticket have {limit} bytes at the most");
        return Err(AppError::conflict("ticket_files_full", detail));
    }
    Ok(there)
}

/// A page of the attachments; who does not work tickets sees the public ones.
pub fn attachments(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    page: &PageRequest,
) -> Result<Page<Attached>, AppError> {
    get(conn, actor, id)?;
    let public_only = !actor.may(Permission::TicketsWork);
    let (from, backward) = (number(page)?, page.backward());
    let rows = attachments::page(conn, id, public_only, from, backward, page.fetch())?;
    Ok(page.page(rows, |(row, _)| (Value::from(row.seq), row.id.0)))
}

/// An attachment that the caller may see.
pub fn attachment(
    conn: &mut PgConnection,
    actor: &Actor,
    id: AttachmentId,
) -> Result<Attached, AppError> {
    actor.require(Permission::TicketsRead)?;
    let found = attachments::find(conn, id)?.ok_or(NOT_FOUND)?;
    let hidden =
        found.0.visibility == NoteVisibility::Internal && !actor.may(Permission::TicketsWork);
    match store::find(conn, actor, found.0.ticket_id)? {
        Some(ticket) if !hidden && ticket.row.deleted_at.is_none() => Ok(found),
        _ => Err(NOT_FOUND),
    }
}

/// The attachment that a signed link leads to, whoever has the link. Those of a deleted ticket are gone, until it is restored.
pub fn linked_attachment(conn: &mut PgConnection, id: AttachmentId) -> Result<Attached, AppError> {
    let found = attachments::find(conn, id)?.ok_or(NOT_FOUND)?;
    if store::is_deleted(conn, found.0.ticket_id)? { Err(NOT_FOUND) } else { Ok(found) }
}

/// Fails when a note of this visibility may not refer to one of these.
pub(super) fn refer(
    conn: &mut PgConnection,
    tickets: &[TicketId],
    visibility: NoteVisibility,
    ids: &[AttachmentId],
) -> Result<(), AppError> {
    let known = attachments::visible_in(conn, tickets, ids)?;
    let fits = |id: &AttachmentId| {
        let found = known.iter().find(|(known, _)| known == id);
        found.is_some_and(|(_, seen)| {
            visibility == NoteVisibility::Internal || *seen == NoteVisibility::Public
        })
    };
    match ids.iter().position(|id| !fits(id)) {
        Some(at) => Err(AppError::field(
            format!("/attachment_ids/{at}"),
            "the ticket has no such attachment that whoever reads the note may see",
        )),
        None => Ok(()),
    }
}
