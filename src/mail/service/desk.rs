//! What people see of mails, and do about them.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use crate::kernel::{Actor, AppError, Erasure, MailId, Page, PageRequest, Permission, TicketId};
use crate::mail::rules::MailState;
use crate::mail::store::{self, MailFilter, OutgoingMail};

const NOT_FOUND: AppError = AppError::NotFound("the mail");

/// The mails of the tickets that the caller sees, newest first; those of no ticket for who sees all.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: MailFilter,
    page: &PageRequest,
) -> Result<Page<OutgoingMail>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::list(conn, actor, filter, page)?;
    Ok(page.page(rows, |mail| (Value::Null, mail.id.0)))
}

pub fn get(conn: &mut PgConnection, actor: &Actor, id: MailId) -> Result<OutgoingMail, AppError> {
    actor.require(Permission::TicketsWork)?;
    store::find(conn, actor, id)?.ok_or(NOT_FOUND)
}

/// Puts a mail that was not sent back into the queue, past the limit of automatic mails. Fails with `mail_not_waiting` for one
/// that was sent, is being sent or was cancelled.
pub fn retry(
    conn: &mut PgConnection,
    actor: &Actor,
    id: MailId,
    now: DateTime<Utc>,
) -> Result<OutgoingMail, AppError> {
    let again = [MailState::Queued, MailState::Held, MailState::Suppressed, MailState::Dead];
    let mail = held(conn, actor, id, &again)?;
    Ok(store::put(conn, mail.id, MailState::Queued, None, now)?)
}

/// Takes a mail out of the queue for good; once more does nothing. Fails with `mail_not_waiting` for one that was sent or is
/// being sent.
pub fn cancel(
    conn: &mut PgConnection,
    actor: &Actor,
    id: MailId,
    now: DateTime<Utc>,
) -> Result<OutgoingMail, AppError> {
    let waiting = [
        MailState::Queued,
        MailState::Held,
        MailState::Suppressed,
        MailState::Dead,
        MailState::Cancelled,
    ];
    let mail = held(conn, actor, id, &waiting)?;
    if mail.state == MailState::Cancelled {
        return Ok(mail);
    }
    let reason = format!("cancelled by {}", actor.name);
    Ok(store::put(conn, mail.id, MailState::Cancelled, Some(&reason), now)?)
}

/// The mail, locked, if it is in one of these states.
fn held(
    conn: &mut PgConnection,
    actor: &Actor,
    id: MailId,
    states: &[MailState],
) -> Result<OutgoingMail, AppError> {
    get(conn, actor, id)?;
    let mail = store::lock(conn, id)?.ok_or(NOT_FOUND)?;
    if states.contains(&mail.state) {
        return Ok(mail);
    }
    Err(AppError::conflict("mail_not_waiting", format!("the mail is {}", mail.state)))
}

/// Takes a secret out of the mails of a ticket.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> Result<(), AppError> {
    Ok(store::erase(conn, ticket, erasure)?)
}
