//! A ticket that comes out of another one: a note that is a matter of its own, a reply that comes too late.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::rules::{Relation, Source, window_over};
use super::super::store::Ticket;
use super::links::join;
use super::open::{NewTicket, open};
use super::{Held, InWorkflow, hold, hold_again, read, refuse_draft};
use crate::http::IfMatch;
use crate::kernel::{
    Actor, AppError, CategoryId, ComponentId, NoteId, Permission, Priority, ProductId, TicketId,
};
use crate::notes::{self, NewNote, NoteVisibility};

/// Which note becomes a ticket, and how that differs from the one that it was written on.
#[derive(Debug, Clone)]
pub struct Split {
    pub note_id: NoteId,
    /// What the new ticket is to the old one.
    pub kind: Relation,
    pub subject: Option<String>,
    pub type_key: Option<String>,
    pub priority: Option<Priority>,
    pub product_id: Option<ProductId>,
    pub category_id: Option<CategoryId>,
    pub component_id: Option<ComponentId>,
}

/// Opens a ticket whose description is the note, on behalf of the same contact, and links the two. The note stays where it is.
pub fn split(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    wanted: Split,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let held = hold(conn, actor, id, IfMatch(None))?;
    refuse_draft(&held.ticket)?;
    let wrong = |detail: &str| AppError::field("/note_id", detail);
    let conversation = read::conversation(conn, &held.ticket)?;
    let note = notes::find(conn, &conversation, wanted.note_id, false)?;
    let note = note.ok_or_else(|| wrong("the ticket has no such note"))?;
    if note.visibility == NoteVisibility::Internal {
        return Err(wrong("an internal note stays at the desk; customers read a description"));
    }
    let like = like(&held.ticket, note.body);
    let elsewhere = wanted.product_id.is_some() || wanted.category_id.is_some();
    let new = NewTicket {
        subject: wanted.subject.unwrap_or(like.subject),
        type_key: wanted.type_key.unwrap_or(like.type_key),
        priority: wanted.priority.unwrap_or(like.priority),
        product_id: if elsewhere { wanted.product_id } else { like.product_id },
        category_id: if elsewhere { wanted.category_id } else { like.category_id },
        // A component belongs to a product.
        component_id: wanted.component_id.or(like.component_id.filter(|_| !elsewhere)),
        source: Source::parse(note.channel.as_str()).unwrap_or(Source::Api),
        ..like
    };
    open_beside(conn, actor, held, new, wanted.kind, json!({ "split_note_id": note.id }), now)
}

/// What came after the reopen window, as a ticket of the contact who wrote it. Where that cannot be, because the contact or
/// the product has left the account, they are told to open a new one.
pub(super) fn follow_up(
    conn: &mut PgConnection,
    actor: &Actor,
    late: Held,
    reply: NewNote,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let new = NewTicket { contact_id: actor.contact_id(), ..like(&late.ticket, reply.body) };
    open_beside(conn, actor, late, new, Relation::FollowUpOf, json!({}), now)
        .map_err(|error| if matches!(error, AppError::Invalid(_)) { window_over() } else { error })
}

fn open_beside(
    conn: &mut PgConnection,
    actor: &Actor,
    beside: Held,
    new: NewTicket,
    kind: Relation,
    more: Value,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let opened = hold_again(open(conn, actor, new, now)?);
    let (_, opened) = join(conn, actor, [opened, beside], kind, more, now)?;
    Ok(opened)
}

/// A ticket about the same, with another text.
fn like(ticket: &Ticket, description: String) -> NewTicket {
    NewTicket {
        id: TicketId::new(),
        subject: ticket.subject.clone(),
        description,
        url: None,
        priority: ticket.priority,
        type_key: ticket.type_key.clone(),
        account_id: ticket.account_id,
        contact_id: ticket.contact_id,
        product_id: ticket.product_id,
        category_id: ticket.category_id,
        component_id: ticket.component_id,
        deadline: None,
        source: Source::Api,
        external_id: None,
        tags: Vec::new(),
        draft: false,
    }
}
