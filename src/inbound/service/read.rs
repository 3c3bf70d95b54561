//! What came in, and what became of it.
use diesel::PgConnection;
use serde_json::Value;

use super::super::rules::MailState;
use super::super::store::{self, Mail, Mailbox};
use crate::kernel::{Actor, AppError, InboundMailId, Page, PageRequest, Permission, TicketId};

pub(super) const NOT_FOUND: AppError = AppError::NotFound("the mail");

/// A mail on a ticket that the caller may see; one on none is for those who see every ticket.
pub fn get(conn: &mut PgConnection, actor: &Actor, id: InboundMailId) -> Result<Mail, AppError> {
    actor.require(Permission::TicketsWork)?;
    store::find(conn, actor, id)?.ok_or(NOT_FOUND)
}

/// The mail as it came in. Fails with 404 when it is not kept any more.
pub fn original(
    conn: &mut PgConnection,
    actor: &Actor,
    id: InboundMailId,
) -> Result<Vec<u8>, AppError> {
    get(conn, actor, id)?;
    store::raw(conn, id)?.ok_or(AppError::NotFound("the original of the mail"))
}

/// Latest first; of the same mails as [`get`].
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: (Option<MailState>, Option<TicketId>),
    page: &PageRequest,
) -> Result<Page<Mail>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::list(conn, actor, filter, page)?;
    Ok(page.page(rows, |mail| (Value::Null, mail.id.0)))
}

/// How the polling of a mailbox goes; `None` when it was never tried.
pub fn mailbox(conn: &mut PgConnection, name: &str) -> Result<Option<Mailbox>, AppError> {
    Ok(store::mailbox(conn, name)?)
}
