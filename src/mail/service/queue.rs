//! Put a mail into the queue.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{AppError, MailId};
use crate::mail::rules::{Address, MailState, NewMail, line};
use crate::mail::store::{self, Row};

/// Queues a mail; it is sent after the caller's transaction. Returns the mail that was queued before under the same `dedupe`,
/// if there is one. What cannot be delivered because of its address is kept as `dead`, with the reason: it must not stop whoever
/// tells others as well.
pub fn queue(
    conn: &mut PgConnection,
    new: NewMail,
    now: DateTime<Utc>,
) -> Result<MailId, AppError> {
    let row = row(new, now)?;
    if store::insert(conn, &row)? == 1 {
        return Ok(row.id);
    }
    let before = row.dedupe.as_deref().map(|key| store::find_by_dedupe(conn, key)).transpose()?;
    before.flatten().ok_or(AppError::NotFound("the mail that was queued before"))
}

/// As [`queue`], for many in one statement. What was queued under its `dedupe` before is passed over.
pub fn queue_all(
    conn: &mut PgConnection,
    new: Vec<NewMail>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let rows = new.into_iter().map(|new| row(new, now)).collect::<Result<Vec<_>, _>>()?;
    store::insert_all(conn, &rows)?;
    Ok(())
}

/// How many automatic mails were queued for each of these addresses from `since` on, by the address in lower case.
pub fn automatic_since(
    conn: &mut PgConnection,
    emails: &[&str],
    since: DateTime<Utc>,
) -> Result<HashMap<String, i64>, AppError> {
    let emails: Vec<String> = emails.iter().map(|email| email.to_lowercase()).collect();
    let mut counts = HashMap::new();
    for email in store::automatic_since(conn, &emails, since)? {
        *counts.entry(email).or_default() += 1;
    }
    Ok(counts)
}

fn row(new: NewMail, now: DateTime<Utc>) -> Result<Row, AppError> {
    let to = new.to.cleaned();
    let (cc, wrong): (Vec<Address>, Vec<Address>) =
        new.cc.into_iter().map(Address::cleaned).partition(Address::is_deliverable);
    let (state, reason) = if to.is_deliverable() {
        (MailState::Queued, (!wrong.is_empty()).then(|| left_out(&wrong)))
    } else {
        (MailState::Dead, Some(format!("{:?} is not an address that mail can go to", to.email)))
    };
    Ok(Row {
        id: MailId::new(),
        conversation: new.conversation.kind(),
        conversation_id: new.conversation.id(),
        ticket_id: new.ticket_id,
        note_id: new.note_id,
        to_name: to.name,
        to_email: to.email,
        cc: serde_json::to_value(cc).map_err(AppError::internal)?,
        subject: line(&new.subject),
        text_body: new.text,
        html_body: new.html,
        automatic: new.automatic,
        dedupe: new.dedupe,
        state,
        reason,
        due_at: now,
        created_at: now,
    })
}

fn left_out(wrong: &[Address]) -> String {
    let emails: Vec<&str> = wrong.iter().map(|address| address.email.as_str()).collect();
    format!("not sent to {}: mail cannot go there", emails.join(", "))
}
