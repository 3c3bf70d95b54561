//! Tell of what was published.
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::mails::{Item, Writer};
use super::world::{Known, World};
use crate::events::{self, Event, EventType, NewEvent, Subject};
use crate::kernel::{Actor, AppError, NotificationId};
use crate::mail::{self, NewMail};
use crate::notifications::rules::{
    Facts, NotificationChannel as Channel, NotificationKind as Kind, Occurrence, Person,
    digest_due, for_department, mail_due, recipients,
};
use crate::notifications::store::{self, Notification};
use crate::surveys::Surveys;

/// Events that are read at a time.
const BATCH: i64 = 100;
/// The time in which the limit of automatic mails counts, and how many of them somebody gets one by one: what comes then is put
/// together, so that nothing is held for being too much.
const WINDOW: TimeDelta = TimeDelta::hours(3);
const ONE_BY_ONE: i64 = 5;

pub fn tell_next(
    conn: &mut PgConnection,
    surveys: &Surveys,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let Some(after) = store::lock_cursor(conn)? else { return Ok(false) };
    let (events, until) = events::behind(conn, after, BATCH)?;
    if until == after {
        return Ok(false);
    }
    let occurrences: Vec<(&Event, Occurrence)> =
        events.iter().filter_map(|event| Some((event, Occurrence::of(event)?))).collect();
    let all: Vec<&Occurrence> = occurrences.iter().map(|(_, occurrence)| occurrence).collect();
    let world = World::load(conn, &all, &[])?;
    let mut plan = Plan { world: &world, surveys, now, tellings: Vec::new(), groups: Vec::new() };
    for (event, occurrence) in &occurrences {
        plan.tell(event, occurrence);
    }
    plan.write(conn)?;
    store::move_cursor(conn, until)?;
    Ok(true)
}

/// Whom to tell of what, and how.
struct Plan<'a> {
    world: &'a World,
    surveys: &'a Surveys,
    now: DateTime<Utc>,
    tellings: Vec<Telling<'a>>,
    /// Mails to departments.
    groups: Vec<Item<'a>>,
}

struct Telling<'a> {
    row: Notification,
    known: &'a Known,
    item: Option<Item<'a>>,
    /// When its mail goes out, if not at once.
    due: Option<DateTime<Utc>>,
    webhook: bool,
}

impl<'a> Plan<'a> {
    fn tell(&mut self, event: &'a Event, occurrence: &Occurrence) {
        let world = self.world;
        let Some(ticket) = world.ticket(occurrence.ticket_id) else { return };
        let label = |code: &str| world.label(ticket.id, code);
        let followers = world.followers(ticket.id);
        let mailbox = world.mailbox(ticket.department_id);
        let group = for_department(occurrence, ticket);
        for (person, kind) in recipients(occurrence, ticket, followers, &world.staff, label) {
            let Some(known) = world.known(person, ticket) else { continue };
            let elsewhere = group == Some(kind) && mailbox.is_some()
                || self.needs_no_mail(occurrence, ticket, kind, person);
            let telling = self.telling(event, occurrence, ticket, known, kind, elsewhere);
            self.tellings.extend(telling);
        }
        if let (Some(mailbox), Some(kind)) = (mailbox, group) {
            let note = world.note(occurrence.note_id);
            self.groups.extend(Item::for_department(event, ticket, kind, note, mailbox));
        }
    }

    /// Whether a status is to be found in the feed only. When a ticket is closed, the mail that asks its contact how satisfied they
    /// are says so, and how it was solved.
    fn needs_no_mail(
        &self,
        occurrence: &Occurrence,
        ticket: &Facts,
        kind: Kind,
        person: Person,
    ) -> bool {
        let Some(contact) = person.contact() else { return false };
        let by_note = self.world.readable(occurrence.note_id, person).is_some();
        let delay = occurrence.kind == EventType::TicketDelayed;
        if by_note || delay || ![Kind::StatusChanged, Kind::Watched].contains(&kind) {
            return false;
        }
        let asked = ticket.closed
            && occurrence.kind != EventType::TicketMerged
            && ticket.contact_id == Some(contact)
            && ticket.surveys
            && self.surveys.asks_after_closing(occurrence.survey);
        asked || occurrence.is_passing(ticket, |code| self.world.label(ticket.id, code))
    }

    /// `None` when they do not want to be told. `elsewhere`: another mail tells them, or none has to.
    fn telling(
        &self,
        event: &'a Event,
        occurrence: &Occurrence,
        ticket: &'a Facts,
        known: &'a Known,
        kind: Kind,
        elsewhere: bool,
    ) -> Option<Telling<'a>> {
        let position = event.position?;
        let wants = |channel| known.wants.wants(kind, channel);
        let (in_feed, webhook) = (wants(Channel::Feed), wants(Channel::Webhook));
        let mailed = wants(Channel::Mail) && !elsewhere;
        if !(in_feed || webhook || mailed) {
            return None;
        }
        let due = mailed.then(|| mail_due(&known.wants, known.zone, self.now)).flatten();
        let note = self.world.readable(occurrence.note_id, known.person);
        let item = mailed.then(|| Item::new(event, ticket, kind, note, known));
        let row = Notification {
            id: NotificationId::new(),
            agent_id: known.person.agent(),
            contact_id: known.person.contact(),
            position,
            ticket_id: ticket.id,
            note_id: note.map(|note| note.id),
            kind,
            in_feed,
            mail_waits: false,
            created_at: self.now,
        };
        Some(Telling { row, known, item, due, webhook })
    }

    fn write(mut self, conn: &mut PgConnection) -> Result<(), AppError> {
        self.put_together(conn)?;
        let mut rows = Vec::new();
        let (mut waiting, mut items, mut told) = (HashMap::new(), Vec::new(), Vec::new());
        for telling in self.tellings {
            let Telling { mut row, known, item, due, webhook } = telling;
            if webhook {
                told.push(created(&row, self.now));
            }
            match (item, due) {
                (Some(_), Some(due)) => {
                    row.mail_waits = true;
                    let soonest = waiting.entry(known.person).or_insert(due);
                    *soonest = due.min(*soonest);
                }
                (Some(item), None) => items.push(item),
                (None, _) => {}
            }
            rows.push(row);
        }
        items.extend(self.groups);
        store::insert_all(conn, &rows)?;
        if !waiting.is_empty() {
            store::put_off(conn, waiting.into_iter().collect())?;
        }
        if !told.is_empty() {
            events::append_all(conn, &Actor::system(), told)?;
        }
        if items.is_empty() {
            return Ok(());
        }
        let writer = Writer::load(conn)?;
        queue(conn, writer.each(&items)?, self.now)
    }

    /// Puts off what would be too many automatic mails one by one.
    fn put_together(&mut self, conn: &mut PgConnection) -> Result<(), AppError> {
        let at_once = |telling: &&mut Telling<'_>| {
            telling.due.is_none() && telling.item.as_ref().is_some_and(Item::is_automatic)
        };
        let mut automatic: Vec<&mut Telling<'_>> =
            self.tellings.iter_mut().filter(at_once).collect();
        if automatic.is_empty() {
            return Ok(());
        }
        let emails: Vec<&str> =
            automatic.iter().map(|telling| telling.known.address.email.as_str()).collect();
        let mut lately = mail::service::automatic_since(conn, &emails, self.now - WINDOW)?;
        for telling in &mut automatic {
            let known = telling.known;
            let count = lately.entry(known.address.email.to_lowercase()).or_default();
            if *count >= ONE_BY_ONE {
                telling.due = Some(digest_due(&known.wants, known.zone, self.now));
            } else {
                *count += 1;
            }
        }
        Ok(())
    }
}

/// Mails of one statement at the most: each has seventeen parameters.
const MAILS_AT_ONCE: usize = 2_000;

pub(super) fn queue(
    conn: &mut PgConnection,
    mut mails: Vec<NewMail>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    while !mails.is_empty() {
        let rest = mails.split_off(mails.len().min(MAILS_AT_ONCE));
        mail::service::queue_all(conn, std::mem::replace(&mut mails, rest), now)?;
    }
    Ok(())
}

/// What integrations read that tell people in their own way.
fn created(row: &Notification, now: DateTime<Utc>) -> NewEvent {
    NewEvent {
        kind: EventType::NotificationCreated,
        subject: Subject::Resource(format!("notification/{}", row.id)),
        public: false,
        changes: Default::default(),
        data: json!({
            "kind": row.kind,
            "agent_id": row.agent_id,
            "contact_id": row.contact_id,
            "position": row.position,
            "ticket_id": row.ticket_id,
            "note_id": row.note_id,
        }),
        occurred_at: now,
    }
}
