//! Mails that answer side conversations.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::rules::{Cause, Incoming, Outcome, Sender};
use super::decide::service;
use crate::kernel::{Actor, AppError, InboundMailId, SideConversationId};
use crate::mail::{Address, Conversation, Thread};
use crate::side_conversations::{self, Reply, SideConversation};

/// The side conversation that a signed token names.
pub(super) fn side_of(thread: Option<Thread>) -> Option<SideConversationId> {
    match thread?.conversation {
        Conversation::Ticket(_) => None,
        Conversation::Side(id) => Some(SideConversationId(id)),
    }
}

/// What a participant answers is a message in the side conversation, whoever they are to the desk otherwise. Anybody else may have
/// had the mail from a participant: somebody looks at theirs first.
pub(super) fn participants_reply(
    conn: &mut PgConnection,
    side: SideConversationId,
    id: InboundMailId,
    sender: &Sender,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let strange = Outcome::quarantined(Cause::SideConversation);
    let Some(side) = side_conversations::find(conn, side)? else { return Ok(strange) };
    if !side.participants.0.include(&sender.email) {
        return Ok(strange.about(Some(side.ticket_id)));
    }
    aside(conn, &service(), &side, (id, sender, incoming), now)
}

/// Adds a mail to a side conversation, as what its sender said.
pub(super) fn aside(
    conn: &mut PgConnection,
    actor: &Actor,
    side: &SideConversation,
    (email_id, sender, incoming): (InboundMailId, &Sender, &Incoming),
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let from = Address { name: sender.name.clone(), email: sender.email.clone() };
    let reply = Reply { email_id, from, body: incoming.note() };
    side_conversations::receive(conn, actor, side.id, reply, now)?;
    Ok(Outcome::taken_aside(side.ticket_id, side.id))
}
