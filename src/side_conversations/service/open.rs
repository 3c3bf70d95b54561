//! Open a side conversation.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::message::{NewMessage, write};
use super::{about, participants, require};
use crate::catalog::StepCheck;
use crate::events::EventType;
use crate::kernel::{Actor, AppError, Permission, SideConversationId, TicketId};
use crate::mail::Address;
use crate::people;
use crate::side_conversations::rules::{MOST, SideConversationState};
use crate::side_conversations::store::{self, SideConversation, StoredParticipants};
use crate::tickets::Ticket;
use crate::tickets::service::{self as tickets, Happening};

/// A side conversation to be opened.
#[derive(Debug, Clone)]
pub struct NewSideConversation {
    /// None: the account manager of the ticket's account.
    pub to: Option<Address>,
    pub cc: Vec<Address>,
    pub subject: String,
    pub body: String,
    /// None: as the ticket's process asks for it.
    pub ticket_summary: Option<bool>,
}

/// Opens a side conversation with its first message, which goes out by mail. On a merged ticket, it is opened on the one
/// that it was merged into.
pub fn open(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    new: NewSideConversation,
    now: DateTime<Utc>,
) -> Result<SideConversation, AppError> {
    require(actor, Permission::TicketsWrite)?;
    let work = |conn: &mut PgConnection, ticket: &mut Ticket| {
        let to = match new.to {
            Some(to) => to,
            None => account_manager(conn, ticket)?,
        };
        let participants = participants(conn, ticket, to, new.cc)?;
        if store::count(conn, ticket.id)? >= MOST {
            let detail = format!("a ticket has {MOST} side conversations at the most");
            return Err(AppError::conflict("too_many_side_conversations", detail));
        }
        let check = StepCheck::SideConversationHasTicketSummary;
        let ticket_summary = match new.ticket_summary {
            Some(wanted) => wanted,
            None => tickets::asks_for(conn, ticket.id, check)?,
        };
        let mut side = SideConversation {
            id: SideConversationId::new(),
            ticket_id: ticket.id,
            subject: new.subject,
            participants: StoredParticipants(participants),
            state: SideConversationState::Open,
            message_count: 0,
            opened_by: actor.id,
            opened_by_name: actor.name.clone(),
            opened_at: now,
            closed_at: None,
            version: 1,
            updated_at: now,
        };
        store::insert(conn, &side)?;
        let first = NewMessage { body: new.body, ticket_summary };
        let message = write(conn, actor, ticket, &mut side, first, now)?;
        store::save(conn, &side)?;
        let mut data = about(message.id, ticket_summary);
        data["side_conversation_id"] = json!(side.id);
        data["subject"] = json!(side.subject);
        let kind = EventType::SideConversationOpened;
        Ok((side, Some(Happening { kind, public: false, data, note: None })))
    };
    Ok(tickets::happen_in_conversation(conn, actor, ticket, now, work)?.0)
}

fn account_manager(conn: &mut PgConnection, ticket: &Ticket) -> Result<Address, AppError> {
    let account = ticket.account_id.map(|id| people::get_account(conn, id)).transpose()?;
    let email = account.as_ref().and_then(|account| account.manager_email.clone());
    let nobody = || AppError::field("/to", "say to whom: the account has no manager");
    let email = email.ok_or_else(nobody)?;
    Ok(Address { name: account.and_then(|account| account.manager_name), email })
}
