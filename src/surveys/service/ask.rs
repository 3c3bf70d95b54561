//! Ask the contacts of closed tickets.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use crate::events::{self, Event};
use crate::kernel::{Actor, AppError, SurveyId};
use crate::mail::{self, Address, Conversation, NewMail};
use crate::people::{self, Contact};
use crate::surveys::Surveys;
use crate::surveys::rules::{LASTS, Occasion};
use crate::surveys::store::{self, Survey};
use crate::tickets::{Ticket, service as tickets};

/// Goes on to the next event that can call for a survey; survey, mail and cursor are one transaction.
pub fn ask_next(
    conn: &mut PgConnection,
    surveys: &Surveys,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let Some(after) = store::lock_cursor(conn)? else { return Ok(false) };
    let (next, until) = events::next_move(conn, after)?;
    if until > after {
        store::move_cursor(conn, until)?;
    }
    let Some(event) = next else { return Ok(false) };
    if let Some((ticket, closed_at, contact)) = to_be_asked(conn, surveys, &event)? {
        ask(conn, surveys, &ticket, closed_at, contact, now)?;
    }
    Ok(true)
}

/// The ticket, its closing and its contact, if the contact is to be asked.
fn to_be_asked(
    conn: &mut PgConnection,
    surveys: &Surveys,
    event: &Event,
) -> Result<Option<(Ticket, DateTime<Utc>, Contact)>, AppError> {
    let Some(id) = event.ticket_id else { return Ok(None) };
    let ticket = tickets::get(conn, &Actor::system(), id)?.row;
    let occasion = Occasion::of(&event.kind, &event.data, event.occurred_at);
    let parties = ticket.account_id.zip(ticket.contact_id).zip(ticket.closed_at);
    let Some(((account, contact), closed_at)) = parties else { return Ok(None) };
    if !occasion.calls_for_survey(&ticket, surveys.after)
        || !people::get_account(conn, account)?.surveys
    {
        return Ok(None);
    }
    let contact = people::get_contact(conn, contact)?;
    Ok(contact.active.then_some((ticket, closed_at, contact)))
}

fn ask(
    conn: &mut PgConnection,
    surveys: &Surveys,
    ticket: &Ticket,
    closed_at: DateTime<Utc>,
    contact: Contact,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let Some(account_id) = ticket.account_id else { return Ok(()) };
    let survey = Survey {
        id: SurveyId::new(),
        ticket_id: ticket.id,
        closed_at,
        account_id,
        department_id: ticket.department_id,
        agent_id: ticket.assignee_id,
        contact_id: contact.id,
        asked_at: now,
        expires_at: now + LASTS,
        rating: None,
        comment: None,
        answered_at: None,
        changed_at: None,
    };
    // Asked for by a macro that closed the ticket, it is called for twice.
    if !store::insert(conn, &survey)? {
        return Ok(());
    }
    let until = survey.expires_at.with_timezone(&contact.time_zone.0).date_naive();
    let data = json!({
        "ticket": { "number": format!("CB-{}", ticket.number), "subject": ticket.subject, "resolution": ticket.resolution },
        "recipient": { "name": contact.name },
        "survey": { "url": surveys.url(survey.id), "until": until },
    });
    let rendered = mail::templates::render(conn, "survey", Some(&contact.language), &data)?;
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
        dedupe: Some(format!("survey:{}", survey.id)),
    };
    mail::service::queue(conn, mail, now)?;
    Ok(())
}
