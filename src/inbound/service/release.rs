//! Somebody looked at a mail that was not taken.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::rules::{Cause, Incoming, MailState, Outcome, Release, conversation};
use super::super::store::{self, Mail};
use super::Desk;
use super::aside::{aside, side_of};
use super::decide::{known_contact, named, new_ticket_of};
use super::read::NOT_FOUND;
use crate::kernel::{
    AccountId, Actor, AppError, CategoryId, ContactId, InboundMailId, Permission, ProductId,
    TicketId,
};
use crate::notes::{Channel, NewNote};
use crate::side_conversations;
use crate::tickets::service as tickets;

/// What a mail is released as.
#[derive(Debug, Clone)]
pub struct Released {
    pub release: Release,
    /// Of a note.
    pub ticket_id: Option<TicketId>,
    /// Of a new ticket; the sender's own where they are left out.
    pub account_id: Option<AccountId>,
    pub contact_id: Option<ContactId>,
    pub product_id: Option<ProductId>,
    pub category_id: Option<CategoryId>,
}

/// Makes of a mail that was not taken what somebody decided. Fails with `mail_taken` when it is on a ticket already.
pub fn release(
    conn: &mut PgConnection,
    desk: &Desk,
    actor: &Actor,
    id: InboundMailId,
    wanted: Released,
    now: DateTime<Utc>,
) -> Result<Mail, AppError> {
    actor.require(Permission::TicketsWork)?;
    let mail = store::lock(conn, actor, id)?.ok_or(NOT_FOUND)?;
    if mail.state == MailState::Taken {
        return Err(AppError::conflict("mail_taken", "the mail is on a ticket already"));
    }
    if wanted.release == Release::Discard {
        let outcome = Outcome::ignored(Cause::Discarded).about(mail.ticket_id);
        return Ok(store::settle(conn, id, &outcome, None, Some((actor, now)))?);
    }
    let raw = store::raw(conn, id)?.unwrap_or_default();
    let incoming = Incoming::read(&raw, desk.domain.as_deref());
    let incoming = incoming.ok_or_else(|| {
        AppError::conflict("mail_unreadable", "nothing of the mail can be read; discard it")
    })?;
    let outcome = match wanted.release {
        Release::Note => as_note(conn, desk, actor, &mail, &wanted, &incoming, now)?,
        _ => as_ticket(conn, actor, &wanted, &incoming, now)?,
    };
    let due = (!incoming.files.is_empty()).then_some(now);
    Ok(store::settle(conn, id, &outcome, due, Some((actor, now)))?)
}

/// What answers a side conversation is a message there; whoever wants it on a ticket says on which.
fn as_note(
    conn: &mut PgConnection,
    desk: &Desk,
    actor: &Actor,
    mail: &Mail,
    wanted: &Released,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let side = side_of(conversation(&desk.key, incoming));
    let side = side.map(|side| side_conversations::find(conn, side)).transpose()?.flatten();
    match (&side, &incoming.sender) {
        (Some(side), Some(sender)) if wanted.ticket_id.is_none() => {
            tickets::get(conn, actor, side.ticket_id)?;
            aside(conn, actor, side, (mail.id, sender, incoming), now)
        }
        _ => on_ticket(conn, actor, mail, wanted, (incoming, side.is_some()), now),
    }
}

/// A contact's words are theirs where they may see the ticket; anybody else's are the desk's to read first, and so is what answers a
/// side conversation (`aside`), which no customer sees.
fn on_ticket(
    conn: &mut PgConnection,
    actor: &Actor,
    mail: &Mail,
    wanted: &Released,
    (incoming, aside): (&Incoming, bool),
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let missing = || AppError::field("/ticket_id", "a note needs a ticket");
    let id = wanted.ticket_id.or(mail.ticket_id).ok_or_else(missing)?;
    // The releaser must see the ticket, whoever speaks.
    tickets::get(conn, actor, id)
        .map_err(|_| AppError::field("/ticket_id", "there is no such ticket"))?;
    let channel = Channel::Email;
    let contact = incoming.sender.as_ref().map(|from| known_contact(conn, from)).transpose()?;
    if let Some(contact) = contact.flatten().filter(|_| incoming.automatic.is_none() && !aside)
        && tickets::get(conn, &contact, id).is_ok()
    {
        let note = NewNote::public(channel, incoming.note());
        let replied = tickets::reply(conn, &contact, id, note, now)?;
        return Ok(super::decide::taken(replied));
    }
    let from = incoming.sender.as_ref().map_or_else(|| "nobody".to_owned(), named);
    let text = format!("Mail from {from}:\n\n{}", incoming.note());
    let body = text.chars().take(super::super::rules::NOTE_MAX).collect();
    let (note, _) = tickets::add_note(conn, actor, id, NewNote::internal(channel, body), now)?;
    Ok(Outcome::taken(note.ticket_id, Some(note.id)))
}

fn as_ticket(
    conn: &mut PgConnection,
    actor: &Actor,
    wanted: &Released,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let mut new = new_ticket_of(incoming);
    (new.product_id, new.category_id) = (wanted.product_id, wanted.category_id);
    (new.account_id, new.contact_id) = (wanted.account_id, wanted.contact_id);
    let from = incoming.sender.as_ref().map(|from| known_contact(conn, from)).transpose()?;
    if let Some(contact) = from.flatten() {
        if let [only] = contact.accounts.as_slice() {
            new.account_id.get_or_insert(*only);
        }
        let theirs = new.account_id.is_some_and(|id| contact.accounts.contains(&id));
        if new.contact_id.is_none() && theirs {
            new.contact_id = contact.contact_id();
        }
    }
    let opened = tickets::open(conn, actor, new, now)?;
    Ok(Outcome::taken(opened.row.id, None))
}
