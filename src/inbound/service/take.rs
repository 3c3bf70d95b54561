//! Take a mail: record it, and make of it what it is.
use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use diesel::{Connection as _, PgConnection};

use super::super::rules::{Cause, Incoming, MailState, Outcome, conversation};
use super::super::store::{self, Mail};
use super::Desk;
use super::decide::{decide, existing};
use crate::kernel::{AppError, InboundMailId};
use crate::mail::Conversation;
use crate::mail::service::received;

/// A mail as it was delivered.
pub struct Delivery {
    pub mailbox: String,
    /// The mail; only its header when it is larger than the service takes.
    pub raw: Vec<u8>,
    /// Of the whole mail.
    pub bytes: i64,
    pub too_large: bool,
}

impl Delivery {
    pub fn whole(mailbox: impl Into<String>, raw: Vec<u8>) -> Self {
        let bytes = i64::try_from(raw.len()).unwrap_or(i64::MAX);
        Self { mailbox: mailbox.into(), raw, bytes, too_large: false }
    }
}

/// Takes a mail once: the second time, it tells what became of it the first time, and false. What the desk refuses is
/// quarantined with the refusal. Fails where the database does, and then leaves nothing.
pub fn take(
    conn: &mut PgConnection,
    desk: &Desk,
    delivery: &Delivery,
    now: DateTime<Utc>,
) -> Result<(Mail, bool), AppError> {
    let incoming = Incoming::read(&delivery.raw, desk.domain.as_deref());
    let mail = record(delivery, incoming.as_ref(), now)?;
    if let Some(before) = add(conn, &mail, delivery)? {
        return Ok((before, false));
    }
    let outcome = match &incoming {
        _ if delivery.too_large => Outcome::quarantined(Cause::TooLarge),
        None => Outcome::quarantined(Cause::Unreadable),
        // A savepoint: what was refused leaves nothing behind but the record.
        Some(incoming) => conn
            .transaction(|conn| decide(conn, desk, mail.id, incoming, now))
            .or_else(|error| refused(conn, error, desk, incoming))?,
    };
    let message_id = incoming.as_ref().and_then(|incoming| incoming.message_id.as_deref());
    if let (Some(conversation), Some(id)) = (taken_for(&outcome), message_id) {
        received(conn, conversation, id, now)?;
    }
    let files = incoming.as_ref().is_some_and(|incoming| !incoming.files.is_empty());
    let due = taken_for(&outcome).filter(|_| files).map(|_| now);
    Ok((store::settle(conn, mail.id, &outcome, due, None)?, true))
}

/// The conversation that the mail is part of from now on.
fn taken_for(outcome: &Outcome) -> Option<Conversation> {
    let side = outcome.side_conversation_id.map(|id| Conversation::Side(id.0));
    let conversation = side.or(outcome.ticket_id.map(Conversation::Ticket));
    conversation.filter(|_| outcome.state == MailState::Taken)
}

/// Records a mail that could not be taken because of a fault, so that it blocks no other and somebody sees it.
pub fn set_aside(
    conn: &mut PgConnection,
    delivery: &Delivery,
    fault: &str,
    now: DateTime<Utc>,
) -> Result<Mail, AppError> {
    let mut mail = record(delivery, None, now)?;
    mail.detail = Some(fault.to_owned());
    Ok(add(conn, &mail, delivery)?.unwrap_or(mail))
}

/// The record that was there before, if there is one.
fn add(
    conn: &mut PgConnection,
    mail: &Mail,
    delivery: &Delivery,
) -> Result<Option<Mail>, AppError> {
    if store::insert(conn, mail, Some(&delivery.raw))? {
        metrics::counter!("inbound_mails_total").increment(1);
        return Ok(None);
    }
    Ok(store::of_key(conn, &mail.mailbox, &mail.message_key)?)
}

/// The row of a mail of which nothing became yet.
fn record(
    delivery: &Delivery,
    incoming: Option<&Incoming>,
    now: DateTime<Utc>,
) -> Result<Mail, AppError> {
    let sender = incoming.and_then(|incoming| incoming.sender.as_ref());
    let id = incoming.and_then(|incoming| incoming.message_id.clone());
    let files = incoming.map(|incoming| incoming.files.as_slice()).unwrap_or_default();
    let outcome = Outcome::quarantined(Cause::Unreadable);
    Ok(Mail {
        id: InboundMailId::new(),
        mailbox: delivery.mailbox.clone(),
        message_key: id.unwrap_or_else(|| fingerprint(&delivery.raw)),
        from_name: sender.and_then(|sender| sender.name.clone()),
        from_email: sender.map(|sender| sender.email.clone()),
        subject: incoming.map(|incoming| incoming.subject.clone()).unwrap_or_default(),
        files: serde_json::to_value(files).map_err(AppError::internal)?,
        bytes: delivery.bytes,
        state: outcome.state,
        cause: outcome.cause,
        detail: None,
        ticket_id: None,
        note_id: None,
        received_at: now,
        settled_by: None,
        settled_by_name: None,
        settled_at: None,
        side_conversation_id: None,
    })
}

/// Stands for a Message-ID.
fn fingerprint(raw: &[u8]) -> String {
    let hash = digest(&SHA256, raw);
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What the desk's rules refuse waits for somebody; what is a fault is one.
fn refused(
    conn: &mut PgConnection,
    error: AppError,
    desk: &Desk,
    incoming: &Incoming,
) -> Result<Outcome, AppError> {
    if error.status() >= 500 {
        return Err(error);
    }
    tracing::debug!(%error, "the desk refused a mail");
    let refused =
        Outcome::quarantined(Cause::Refused).because(format!("{}: {error}", error.code()));
    // The ticket may be what is missing.
    let ticket = existing(conn, conversation(&desk.key, incoming))?;
    Ok(refused.about(ticket))
}
