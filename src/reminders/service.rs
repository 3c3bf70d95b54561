//! Remind customers who say nothing.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use crate::kernel::AppError;
use crate::mail::{self, Address, Conversation, NewMail};
use crate::people;
use crate::tickets::service::{self as tickets, Heeded, Reminded};

/// Looks at the silence that is due the longest, and queues the mail if its customer is to be reminded, in the transaction that
/// says so; false when none is due. Safe from any number of replicas.
pub fn heed_next(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    match tickets::heed_silence(conn, now)? {
        None => return Ok(false),
        Some(Heeded::Otherwise) => {}
        Some(Heeded::Reminded(reminded)) => tell(conn, *reminded, now)?,
    }
    Ok(true)
}

/// A ticket without a contact has nobody to be told, and neither has one whose contact has left.
fn tell(conn: &mut PgConnection, reminded: Reminded, now: DateTime<Utc>) -> Result<(), AppError> {
    let ticket = reminded.ticket.row;
    let Some(contact) = ticket.contact_id else { return Ok(()) };
    let contact = people::get_contact(conn, contact)?;
    if !contact.active {
        return Ok(());
    }
    let waits = ticket.silence.since.map_or(0, |since| (now - since).num_days());
    let data = json!({
        "ticket": { "number": format!("CB-{}", ticket.number), "subject": ticket.subject },
        "recipient": { "name": contact.name },
        "days": waits,
        "until": reminded.until.with_timezone(&contact.time_zone.0).date_naive(),
    });
    let language = Some(contact.language.as_str());
    let rendered = mail::templates::render(conn, "feedback_reminder", language, &data)?;
    let mail = NewMail {
        conversation: Conversation::Ticket(ticket.id),
        ticket_id: Some(ticket.id),
        note_id: None,
        to: Address { name: Some(contact.name), email: contact.email },
        cc: Vec::new(),
        subject: rendered.subject,
        text: rendered.text,
        html: Some(rendered.html),
        automatic: true,
        dedupe: None,
    };
    mail::service::queue(conn, mail, now)?;
    Ok(())
}
