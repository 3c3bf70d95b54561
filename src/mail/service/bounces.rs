//! What comes back: replies that later mails refer to, and reports of what did not arrive.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use crate::kernel::{Actor, AppError, MailId, Page, PageRequest, Permission, SuppressionId};
use crate::mail::rules::{Address, SuppressionCause, address_key, line};
use crate::mail::store::{self, Suppression};
use crate::mail::thread::Conversation;

/// Characters of a `Message-ID` at the most (RFC 5322, section 2.1.1).
const MESSAGE_ID_MAX: usize = 250;

/// Remembers a mail that came in, for the `References` of those that go out. `message_id` is as the sender wrote it; one that
/// no header could hold is passed over.
pub fn received(
    conn: &mut PgConnection,
    conversation: Conversation,
    message_id: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let id = message_id.trim().trim_start_matches('<').trim_end_matches('>');
    let sound = id.len() <= MESSAGE_ID_MAX
        && id.contains('@')
        && id.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,".contains(&byte));
    if sound {
        store::insert_received(conn, conversation.id(), id, now)?;
    }
    Ok(())
}

/// A report says that a mail did not arrive, and never will. Suppresses the address that it names, if the mail went there;
/// the mail's only address if it names another, as reports of forwarded mails do. Returns whether an address is suppressed:
/// a report that is not about a mail that was sent suppresses nothing.
pub fn bounced(
    conn: &mut PgConnection,
    mail: MailId,
    email: Option<&str>,
    detail: &str,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let Some(mail) = store::lock(conn, mail)? else { return Ok(false) };
    if mail.message_id.is_none() {
        return Ok(false);
    }
    let cc: Vec<Address> = serde_json::from_value(mail.cc.clone()).map_err(AppError::internal)?;
    let mut recipients = vec![address_key(&mail.to_email)];
    recipients.extend(cc.iter().map(|address| address_key(&address.email)));
    let named = email.map(address_key).filter(|email| recipients.contains(email));
    let only = (recipients.len() == 1).then(|| recipients.swap_remove(0));
    let Some(email) = named.or(only) else { return Ok(false) };
    let detail = line(detail);
    store::note_reason(conn, mail.id, &format!("did not arrive at {email}: {detail}"))?;
    suppress(conn, email, SuppressionCause::Bounced, detail, mail.id, now)?;
    Ok(true)
}

/// Sends nothing more to an address; `email` as [`address_key`] gives it.
pub(super) fn suppress(
    conn: &mut PgConnection,
    email: String,
    cause: SuppressionCause,
    detail: String,
    mail: MailId,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let new = Suppression {
        id: SuppressionId::new(),
        email,
        cause,
        detail,
        mail_id: Some(mail),
        suppressed_at: now,
    };
    store::suppress(conn, &new)?;
    Ok(())
}

/// The addresses that no mail is sent to, latest first, for who works tickets.
pub fn suppressions(
    conn: &mut PgConnection,
    actor: &Actor,
    email: Option<&str>,
    page: &PageRequest,
) -> Result<Page<Suppression>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::suppressions(conn, email.map(address_key), page)?;
    Ok(page.page(rows, |row| (Value::Null, row.id.0)))
}

/// Lets mail go to an address again. What was not sent meanwhile stays, to be tried again one by one.
pub fn lift(conn: &mut PgConnection, actor: &Actor, id: SuppressionId) -> Result<(), AppError> {
    actor.require(Permission::TicketsWork)?;
    store::lift(conn, id)?.map(drop).ok_or(AppError::NotFound("the suppressed address"))
}
