//! Use cases of side conversations. Each is called inside one transaction.
mod change;
mod message;
mod open;
mod read;
mod receive;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::rules::Participants;
use super::store::{self, SideConversation};
use crate::events::EventType;
use crate::kernel::{
    Actor, AppError, Erasure, Permission, SideConversationId, SideMessageId, TicketId,
};
use crate::mail::Address;
use crate::people;
use crate::tickets::service::{self as tickets, Happening};
use crate::tickets::{InWorkflow, Ticket};

pub use change::{Change, change};
pub use message::{NewMessage, send};
pub use open::{NewSideConversation, open};
pub use read::{get, list, message, messages};
pub use receive::{Reply, receive};

const NOT_FOUND: AppError = AppError::NotFound("the side conversation");

/// Side conversations are the desk's, as internal notes are. That there are any, customers do not know.
fn require(actor: &Actor, permission: Permission) -> Result<(), AppError> {
    if actor.is_contact() {
        return Err(NOT_FOUND);
    }
    actor.require(permission)?;
    actor.require(Permission::TicketsWork)
}

/// Whatever it is: for those who have a mail's token, not for callers.
pub fn find(
    conn: &mut PgConnection,
    id: SideConversationId,
) -> Result<Option<SideConversation>, AppError> {
    Ok(store::find(conn, id)?)
}

/// Takes a secret out of the side conversations of a ticket, in the transaction that records the redaction.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> Result<(), AppError> {
    Ok(store::erase(conn, ticket, erasure)?)
}

/// What the ticket's history tells of a side conversation.
struct Told {
    kind: EventType,
    data: Value,
}

/// Lets `work` do something in a side conversation while it and its ticket are held, saves it as its next version, and tells that
/// where the ticket's conversation goes on. Nothing is told when nothing happened.
fn happen<T>(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: SideConversationId,
    now: DateTime<Utc>,
    work: impl FnOnce(
        &mut PgConnection,
        &Ticket,
        &mut SideConversation,
    ) -> Result<(T, Option<Told>), AppError>,
) -> Result<(T, SideConversation), AppError> {
    let held = |conn: &mut PgConnection, ticket: &mut Ticket| {
        let mut side = store::lock(conn, id)?.ok_or(NOT_FOUND)?;
        // A merge may have been undone meanwhile.
        if !tickets::conversation(conn, ticket)?.contains(&side.ticket_id) {
            return Err(NOT_FOUND);
        }
        let (done, told) = work(conn, ticket, &mut side)?;
        let Some(Told { kind, mut data }) = told else { return Ok(((done, side), None)) };
        side.version += 1;
        side.updated_at = now;
        store::save(conn, &side)?;
        data["side_conversation_id"] = json!(side.id);
        let happening = Happening { kind, public: false, data, note: None };
        Ok(((done, side), Some(happening)))
    };
    let (done, InWorkflow { .. }) =
        tickets::happen_in_conversation(conn, actor, ticket, now, held)?;
    Ok(done)
}

/// What an event says of a message.
fn about(id: SideMessageId, ticket_summary: bool) -> Value {
    json!({ "message_id": id, "ticket_summary": ticket_summary })
}

/// Those who shall take part; contacts of the ticket's account are refused.
fn participants(
    conn: &mut PgConnection,
    ticket: &Ticket,
    to: Address,
    cc: Vec<Address>,
) -> Result<Participants, AppError> {
    let all = std::iter::once(&to).chain(&cc);
    let emails: Vec<String> = all.map(|address| address.email.trim().to_lowercase()).collect();
    let customers = match ticket.account_id {
        Some(account) => people::emails_of_contacts(conn, account, &emails)?,
        None => Vec::new(),
    };
    Participants::new(to, cc, &customers)
}
