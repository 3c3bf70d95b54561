//! Who is told of an event, and why. Each is told once, for the first reason that there is; nobody is told what they did
//! themselves, or what they may not see.
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::NotificationKind as Kind;
use crate::events::{Event, EventType};
use crate::kernel::{AccountId, AgentId, ContactId, DepartmentId, Level, NoteId, TicketId};
use crate::people::AgentRole;

/// Somebody who can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Person {
    Agent(AgentId),
    Contact(ContactId),
}

impl Person {
    pub fn id(self) -> Uuid {
        match self {
            Self::Agent(id) => id.0,
            Self::Contact(id) => id.0,
        }
    }

    pub fn agent(self) -> Option<AgentId> {
        match self {
            Self::Agent(id) => Some(id),
            Self::Contact(_) => None,
        }
    }

    pub fn contact(self) -> Option<ContactId> {
        match self {
            Self::Agent(_) => None,
            Self::Contact(id) => Some(id),
        }
    }
}

/// A ticket as it is now.
#[derive(Debug, Clone)]
pub struct Facts {
    pub id: TicketId,
    pub number: i64,
    pub subject: String,
    pub resolution: Option<String>,
    /// What its status is called for customers.
    pub label: String,
    pub account_id: Option<AccountId>,
    pub contact_id: Option<ContactId>,
    pub assignee_id: Option<AgentId>,
    pub department_id: DepartmentId,
    pub level: Level,
    pub opened_by: Uuid,
    pub deleted: bool,
    pub closed: bool,
    /// The account's contacts are asked how satisfied they are.
    pub surveys: bool,
    /// Its policy of service levels tells the customer when the solution takes longer.
    pub tells_of_delay: bool,
}

/// An agent as those who tell them know them.
#[derive(Debug, Clone)]
pub struct Staff {
    pub id: AgentId,
    pub role: AgentRole,
    pub departments: Vec<DepartmentId>,
    pub levels: Vec<Level>,
}

impl Staff {
    /// As the visibility of tickets has it for every query.
    pub fn sees(&self, ticket: &Facts) -> bool {
        let own = ticket.assignee_id == Some(self.id) || ticket.opened_by == self.id.0;
        let all = self.role != AgentRole::Agent;
        !ticket.deleted && (all || own || self.departments.contains(&ticket.department_id))
    }

    fn works_at(&self, ticket: &Facts) -> bool {
        self.departments.contains(&ticket.department_id) && self.levels.contains(&ticket.level)
    }
}

/// Who watches a ticket, or one that was merged into it; also whose ticket that one was.
#[derive(Debug, Clone, Copy)]
pub struct Follower {
    pub ticket_id: TicketId,
    pub person: Person,
}

/// What an event says that somebody may have to be told.
#[derive(Debug, Clone)]
pub struct Occurrence {
    pub kind: EventType,
    pub ticket_id: TicketId,
    pub actor: Uuid,
    by_contact: bool,
    given_to: Option<AgentId>,
    /// It came into the department: it is new, was led elsewhere, or was opened again.
    pub came: bool,
    pub note_id: Option<NoteId>,
    public_note: bool,
    pub mentions: Vec<AgentId>,
    /// Whose appointment it is about, or who missed something.
    pub named: Option<AgentId>,
    /// The statuses that it left and reached.
    status: Option<(String, String)>,
    /// Somebody asked for a survey with it.
    pub survey: bool,
    /// It is to be solved later than it was.
    pub slipped: bool,
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

/// A time that was known changes to a later one.
fn is_later(change: &Value) -> bool {
    let time = |side: &str| change[side].as_str()?.parse::<DateTime<Utc>>().ok();
    time("from").zip(time("to")).is_some_and(|(from, to)| to > from)
}

impl Occurrence {
    /// `None` for what nobody is told of: events about other things than tickets, what was told otherwise, and what is of no
    /// interest by itself.
    pub fn of(event: &Event) -> Option<Self> {
        use EventType::*;
        let kind = EventType::parse(&event.kind)?;
        let named_ticket = || id(&event.data["ticket_id"]).map(TicketId);
        let ticket_id = match kind {
            AppointmentReminderDue | DelayNoticed => named_ticket()?,
            // The mail of a reminder and of a survey is what tells of these.
            TicketReminded | SurveyRequested | SurveyAnswered => return None,
            TicketWatched | TicketUnwatched | TicketRedacted | MacroApplied => return None,
            TicketLinked | TicketUnlinked | ProcessStepMarked => return None,
            TimeLogged | TimeChanged | TimeRemoved => return None,
            MirrorConflict | MirrorConflictDecided | MirrorConflictRestored | MirrorNoteGone => {
                return None;
            }
            _ => event.ticket_id?,
        };
        let to = |field: &str| event.changes.get(field).map(|change| &change["to"]);
        let status = event.changes.get("status").and_then(|change| {
            Some((change["from"].as_str()?.to_owned(), change["to"].as_str()?.to_owned()))
        });
        let new = matches!(kind, TicketOpened | TicketSubmitted | TicketRestored);
        let mentions = event.data["mentions"].as_array().into_iter().flatten();
        Some(Self {
            kind,
            ticket_id,
            actor: event.actor_id,
            by_contact: event.actor_role == "contact",
            given_to: to("assignee_id").and_then(id).map(AgentId),
            came: new || ["department_id", "level", "assignee_id"].iter().any(|f| to(f).is_some()),
            note_id: id(&event.data["note_id"]).map(NoteId),
            public_note: event.data["note_visibility"] == "public",
            mentions: mentions.filter_map(id).map(AgentId).collect(),
            named: id(&event.data["agent_id"]).map(AgentId),
            status,
            survey: event.data["survey"] == true,
            slipped: event.changes.get("deadline").is_some_and(is_later),
        })
    }

    fn is_new(&self) -> bool {
        matches!(self.kind, EventType::TicketOpened | EventType::TicketSubmitted)
    }

    /// A customer who is told of nothing but the status need not be mailed: the ticket has got yet another one, of which they will be
    /// told, or it went on by itself, and not to its end.
    pub fn is_passing(&self, ticket: &Facts, label: impl Fn(&str) -> Option<String>) -> bool {
        let reached = self.status.as_ref().and_then(|(_, to)| label(to));
        let went_on = self.actor.is_nil() && !ticket.closed;
        reached.as_ref() != Some(&ticket.label) || went_on
    }

    /// Customers see another status than before; `label` says what a status is called for them.
    fn moved_for_customers(&self, label: impl Fn(&str) -> Option<String>) -> bool {
        self.status.as_ref().is_some_and(|(from, to)| label(from) != label(to))
    }
}

/// Everybody who is told, with the reason. `staff` are active agents, those of the ticket's department and of `followers` among
/// them; whether a contact sees the ticket is judged by who knows the contact. `label` says what a status is called for customers.
pub fn recipients(
    occurrence: &Occurrence,
    ticket: &Facts,
    followers: &[Follower],
    staff: &HashMap<AgentId, Staff>,
    label: impl Fn(&str) -> Option<String>,
) -> BTreeMap<Person, Kind> {
    let mut told: Vec<(Person, Kind)> = to_desk(occurrence, ticket, staff);
    let watching = followers.iter().map(|follower| follower.person);
    if occurrence.kind != EventType::AppointmentReminderDue {
        let agents = watching.clone().filter(|person| person.agent().is_some());
        told.extend(agents.map(|person| (person, Kind::Watched)));
    }
    if let Some(kind) = for_customer(occurrence, ticket, label) {
        told.extend(ticket.contact_id.map(|contact| (Person::Contact(contact), kind)));
        if kind != Kind::Opened {
            let contacts = watching.filter(|person| person.contact().is_some());
            told.extend(contacts.map(|person| (person, Kind::Watched)));
        }
    }
    let mut once = BTreeMap::new();
    for (person, kind) in told {
        let own = person.id() == occurrence.actor && kind != Kind::Opened;
        let seen = match person {
            Person::Agent(id) => staff.get(&id).is_some_and(|one| one.sees(ticket)),
            Person::Contact(_) => !ticket.deleted,
        };
        if seen && !own {
            once.entry(person).or_insert(kind);
        }
    }
    once
}

/// The most pressing reason first.
fn to_desk(
    occurrence: &Occurrence,
    ticket: &Facts,
    staff: &HashMap<AgentId, Staff>,
) -> Vec<(Person, Kind)> {
    use EventType::*;
    let mut told = Vec::new();
    let mut tell = |agent: Option<AgentId>, kind| {
        told.extend(agent.map(|agent| (Person::Agent(agent), kind)));
    };
    let holder = ticket.assignee_id;
    // Who had it in between is told nothing.
    tell(occurrence.given_to.filter(|agent| holder == Some(*agent)), Kind::Assigned);
    occurrence.mentions.iter().for_each(|agent| tell(Some(*agent), Kind::Mentioned));
    let coordinates = |one: &&Staff| {
        one.role == AgentRole::Coordinator && one.departments.contains(&ticket.department_id)
    };
    match occurrence.kind {
        DelayNoticed => {
            tell(occurrence.named, Kind::Delayed);
            staff.values().filter(coordinates).for_each(|one| tell(Some(one.id), Kind::Delayed));
            return told;
        }
        AppointmentReminderDue => {
            tell(occurrence.named, Kind::Appointment);
            return told;
        }
        AppointmentScheduled
        | AppointmentRescheduled
        | AppointmentDelayed
        | AppointmentCancelled => tell(occurrence.named, Kind::Appointment),
        _ => {}
    }
    if occurrence.by_contact && occurrence.public_note {
        tell(holder, Kind::CustomerReplied);
    }
    if let Some(kind) = for_department(occurrence, ticket) {
        staff.values().filter(|one| one.works_at(ticket)).for_each(|one| tell(Some(one.id), kind));
    }
    tell(holder, Kind::OwnChanged);
    told
}

/// What the whole department is told: its agents of the ticket's level, or its own address.
pub fn for_department(occurrence: &Occurrence, ticket: &Facts) -> Option<Kind> {
    if ticket.closed || ticket.deleted {
        return None;
    }
    match occurrence.kind {
        EventType::TicketElevated => Some(Kind::Elevated),
        _ if occurrence.came && ticket.assignee_id.is_none() => Some(Kind::Queued),
        _ => None,
    }
}

/// What its contact is told.
fn for_customer(
    occurrence: &Occurrence,
    ticket: &Facts,
    label: impl Fn(&str) -> Option<String>,
) -> Option<Kind> {
    use EventType::*;
    match occurrence.kind {
        _ if occurrence.is_new() => Some(Kind::Opened),
        AppointmentDelayed if occurrence.public_note => Some(Kind::DelayNotice),
        TicketDelayed if occurrence.public_note || occurrence.note_id.is_none() => {
            Some(Kind::DelayNotice)
        }
        _ if occurrence.public_note => Some(Kind::Replied),
        _ if occurrence.slipped && ticket.tells_of_delay => Some(Kind::DelayNotice),
        _ if occurrence.moved_for_customers(label) => Some(Kind::StatusChanged),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
