//! What the mails say.
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde_json::{Value, json};

use super::world::Known;
use crate::events::{Event, EventType};
use crate::kernel::AppError;
use crate::mail::templates::Texts;
use crate::mail::{Address, Conversation, NewMail};
use crate::notes::{Note, body_html};
use crate::notifications::rules::{Facts, NotificationKind as Kind, Person};
use crate::notifications::store::Mailbox;

const DESK: &str = "notification";
const DIGEST: &str = "notification_digest";
const DELAYED: &str = "ticket_delayed";
const OPENED: &str = "ticket_opened";
const REPLY: &str = "ticket_reply";
const STATUS: &str = "ticket_status";

/// Entries of a digest at the most; it says how many there are beside them.
const ENTRIES: usize = 100;

/// What one mail tells somebody, or what is one entry of a digest.
#[derive(Clone)]
pub struct Item<'a> {
    event: &'a Event,
    pub ticket: &'a Facts,
    pub kind: Kind,
    /// What was written, as far as the recipient may read it.
    pub note: Option<&'a Note>,
    to: Address,
    language: Option<&'a str>,
    /// Where times are told.
    zone: Tz,
    /// `None` for a department.
    person: Option<Person>,
    dedupe: String,
}

impl<'a> Item<'a> {
    pub fn new(
        event: &'a Event,
        ticket: &'a Facts,
        kind: Kind,
        note: Option<&'a Note>,
        known: &'a Known,
    ) -> Self {
        Self {
            event,
            ticket,
            kind,
            note,
            to: known.address.clone(),
            language: known.language.as_deref(),
            zone: known.zone,
            person: Some(known.person),
            dedupe: dedupe(event, known.person.id()),
        }
    }

    /// `None` for one without an address.
    pub fn for_department(
        event: &'a Event,
        ticket: &'a Facts,
        kind: Kind,
        note: Option<&'a Note>,
        mailbox: &'a Mailbox,
    ) -> Option<Self> {
        Some(Self {
            event,
            ticket,
            kind,
            note,
            to: Address { name: None, email: mailbox.email.clone()? },
            language: Some(&mailbox.language),
            zone: Tz::UTC,
            person: None,
            dedupe: dedupe(event, mailbox.department_id.0),
        })
    }

    fn is_for_customer(&self) -> bool {
        self.person.is_some_and(|person| person.contact().is_some())
    }

    fn template(&self) -> &'static str {
        match self.kind {
            _ if !self.is_for_customer() => DESK,
            Kind::Opened => OPENED,
            _ if self.note.is_some() => REPLY,
            _ if self.delay().is_some() => DELAYED,
            _ => STATUS,
        }
    }

    /// Nobody wrote it by hand. What somebody wrote to a customer is a letter of theirs.
    pub fn is_automatic(&self) -> bool {
        self.template() != REPLY || self.event.actor_id.is_nil()
    }

    /// What takes longer; `None` when that is not what is told.
    fn delay(&self) -> Option<Value> {
        let Event { changes, data, .. } = self.event;
        let (metric, due, expected) = if self.event.kind == EventType::TicketDelayed.as_str() {
            (&data["metric"], &data["due_at"], &data["expected_at"])
        } else if self.kind == Kind::DelayNotice {
            let change = &changes["deadline"];
            (&Value::Null, &change["from"], &change["to"])
        } else {
            return None;
        };
        let told = |time: &Value| {
            let time: DateTime<Utc> = time.as_str()?.parse().ok()?;
            Some(time.with_timezone(&self.zone).format("%Y-%m-%d %H:%M %Z").to_string())
        };
        let metric = metric.as_str().unwrap_or("resolution");
        Some(json!({ "metric": metric, "due_at": told(due), "expected_at": told(expected) }))
    }

    fn data(&self) -> Value {
        let ticket = self.ticket;
        let note = self.note.map(|note| {
            json!({
                "author": note.author_name,
                "text": note.body,
                "html": body_html(note.channel, &note.body),
            })
        });
        let resolution = ticket.resolution.as_ref().filter(|_| ticket.closed);
        json!({
            "ticket": {
                "number": format!("CB-{}", ticket.number),
                "subject": ticket.subject,
                "status": ticket.label,
                "resolution": resolution,
            },
            "recipient": { "name": self.to.name },
            "kind": self.kind,
            "actor": self.event.actor_name,
            "fields": self.event.changes.as_object().map(|c| c.keys().collect::<Vec<_>>()),
            "note": note,
            "delay": self.delay(),
        })
    }
}

fn dedupe(event: &Event, recipient: uuid::Uuid) -> String {
    format!("notification:{}:{recipient}", event.position.unwrap_or_default())
}

/// The texts of these mails.
pub struct Writer(Texts);

impl Writer {
    pub fn load(conn: &mut PgConnection) -> Result<Self, AppError> {
        Ok(Self(Texts::load(conn, &[DESK, DIGEST, DELAYED, OPENED, REPLY, STATUS])?))
    }

    /// A mail for each, but one for all customers who are told of a note: to the ticket's contact, and in copy to those who watch.
    pub fn each(&self, items: &[Item<'_>]) -> Result<Vec<NewMail>, AppError> {
        let is_letter = |item: &Item<'_>| item.template() == REPLY;
        let to_contact = |item: &Item<'_>| {
            is_letter(item) && item.person.and_then(Person::contact) == item.ticket.contact_id
        };
        let same_note = |a: &Item<'_>, b: &Item<'_>| a.event.position == b.event.position;
        let mut mails = Vec::new();
        for item in items {
            let copies = || items.iter().filter(|other| is_letter(other) && same_note(other, item));
            if !is_letter(item) {
                mails.push(self.mail(item, Vec::new())?);
            } else if to_contact(item) {
                let watching = copies().filter(|other| !to_contact(other));
                mails.push(self.mail(item, watching.map(|other| other.to.clone()).collect())?);
            } else if !copies().any(to_contact) {
                mails.push(self.mail(item, Vec::new())?);
            }
        }
        Ok(mails)
    }

    fn mail(&self, item: &Item<'_>, cc: Vec<Address>) -> Result<NewMail, AppError> {
        let rendered = self.0.render(item.template(), item.language, &item.data())?;
        Ok(NewMail {
            conversation: Conversation::Ticket(item.ticket.id),
            ticket_id: Some(item.ticket.id),
            note_id: item.note.map(|note| note.id),
            to: item.to.clone(),
            cc,
            subject: rendered.subject,
            text: rendered.text,
            html: Some(rendered.html),
            automatic: item.is_automatic(),
            dedupe: Some(item.dedupe.clone()),
        })
    }

    /// One mail that tells somebody of several things. It belongs to no ticket, and a reply to it to no conversation.
    pub fn digest(&self, items: &[Item<'_>], known: &Known) -> Result<NewMail, AppError> {
        let entries: Vec<Value> = items.iter().take(ENTRIES).map(Item::data).collect();
        let data = json!({
            "recipient": { "name": known.address.name },
            "count": items.len(),
            "more": items.len() - entries.len(),
            "entries": entries,
        });
        let rendered = self.0.render(DIGEST, known.language.as_deref(), &data)?;
        let first = items.first().map(|item| item.dedupe.clone());
        Ok(NewMail {
            conversation: Conversation::Side(uuid::Uuid::now_v7()),
            ticket_id: None,
            note_id: None,
            to: known.address.clone(),
            cc: Vec::new(),
            subject: rendered.subject,
            text: rendered.text,
            html: Some(rendered.html),
            automatic: true,
            dedupe: first.map(|first| format!("digest:{first}")),
        })
    }
}
