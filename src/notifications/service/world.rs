//! What is to be known to tell people of some events: as it is now, read with as many queries for many events as for one.
use std::collections::{HashMap, HashSet};

use chrono_tz::Tz;
use diesel::PgConnection;
use serde_json::Value;

use crate::events::EventType;
use crate::kernel::{
    AccountId, AgentId, AppError, ContactId, DepartmentId, NoteId, TicketId, WorkflowId,
};
use crate::mail::Address;
use crate::notes::{self, Note, NoteVisibility};
use crate::notifications::rules::{Facts, Follower, Occurrence, Person, Preferences, Staff};
use crate::notifications::store::{self, AgentRow, ContactRow, Mailbox};
use crate::sla;

/// Somebody who can be told.
pub struct Known {
    pub person: Person,
    pub address: Address,
    /// A language tag, if any is known.
    pub language: Option<String>,
    pub zone: Tz,
    pub wants: Preferences,
    accounts: Vec<AccountId>,
}

/// Tickets, people and notes.
#[derive(Default)]
pub struct World {
    tickets: HashMap<TicketId, (Facts, WorkflowId)>,
    labels: HashMap<(WorkflowId, String), String>,
    followers: HashMap<TicketId, Vec<Follower>>,
    pub staff: HashMap<AgentId, Staff>,
    people: HashMap<Person, Known>,
    notes: HashMap<NoteId, Note>,
    mailboxes: HashMap<DepartmentId, Mailbox>,
}

impl World {
    /// What these occurrences are about; these people are known in any case.
    pub fn load(
        conn: &mut PgConnection,
        occurrences: &[&Occurrence],
        people: &[Person],
    ) -> Result<Self, AppError> {
        let ids = distinct(occurrences.iter().map(|one| one.ticket_id));
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let mut tickets: HashMap<_, _> =
            store::tickets(conn, &ids)?.into_iter().map(|found| (found.0.id, found)).collect();
        let slipped =
            distinct(occurrences.iter().filter(|one| one.slipped).map(|one| one.ticket_id));
        for id in sla::tell_of_delay(conn, &slipped)? {
            if let Some((facts, _)) = tickets.get_mut(&id) {
                facts.tells_of_delay = true;
            }
        }
        let workflows = distinct(tickets.values().map(|(_, workflow)| *workflow));
        let labels = store::labels(conn, &workflows)?.into_iter();
        let followers = store::followers(conn, &ids)?;
        let mut world = Self {
            tickets,
            labels: labels.map(|(workflow, code, label)| ((workflow, code), label)).collect(),
            ..Self::default()
        };
        world.meet(conn, occurrences, &followers, people)?;
        for follower in followers {
            world.followers.entry(follower.ticket_id).or_default().push(follower);
        }
        let notes = distinct(occurrences.iter().filter_map(|one| one.note_id));
        world.notes =
            notes::of_ids(conn, &notes)?.into_iter().map(|note| (note.id, note)).collect();
        Ok(world)
    }

    /// Reads those who could be told.
    fn meet(
        &mut self,
        conn: &mut PgConnection,
        occurrences: &[&Occurrence],
        followers: &[Follower],
        people: &[Person],
    ) -> Result<(), AppError> {
        let named = followers.iter().map(|follower| follower.person).chain(people.iter().copied());
        let facts = || self.tickets.values().map(|(facts, _)| facts);
        let agents = named.clone().filter_map(Person::agent);
        let agents = agents.chain(facts().filter_map(|facts| facts.assignee_id));
        let agents = agents.chain(occurrences.iter().flat_map(|one| one.mentions.iter().copied()));
        let agents = distinct(agents.chain(occurrences.iter().filter_map(|one| one.named)));
        let contacts = named.filter_map(Person::contact);
        let contacts = distinct(contacts.chain(facts().filter_map(|facts| facts.contact_id)));
        let whole = occurrences.iter().filter(|one| concerns_department(one));
        let departments =
            distinct(whole.filter_map(|one| Some(self.ticket(one.ticket_id)?.department_id)));
        for row in store::agents(conn, &agents, &departments)? {
            self.staff.insert(row.id, staff(&row));
            let known = agent(row);
            self.people.insert(known.person, known);
        }
        for row in store::contacts(conn, &contacts)? {
            let known = contact(row);
            self.people.insert(known.person, known);
        }
        let mailboxes = store::mailboxes(conn, &departments)?.into_iter();
        self.mailboxes = mailboxes.map(|mailbox| (mailbox.department_id, mailbox)).collect();
        Ok(())
    }

    pub fn ticket(&self, id: TicketId) -> Option<&Facts> {
        self.tickets.get(&id).map(|(facts, _)| facts)
    }

    pub fn followers(&self, id: TicketId) -> &[Follower] {
        self.followers.get(&id).map_or(&[], Vec::as_slice)
    }

    pub fn note(&self, id: Option<NoteId>) -> Option<&Note> {
        self.notes.get(&id?)
    }

    /// The same, unless it is an internal one and they are a customer.
    pub fn readable(&self, id: Option<NoteId>, person: Person) -> Option<&Note> {
        let customer = person.contact().is_some();
        self.note(id).filter(|note| !customer || note.visibility == NoteVisibility::Public)
    }

    pub fn mailbox(&self, department: DepartmentId) -> Option<&Mailbox> {
        self.mailboxes.get(&department)
    }

    /// What a status of the ticket's workflow is called for customers.
    pub fn label(&self, ticket: TicketId, code: &str) -> Option<String> {
        let (_, workflow) = self.tickets.get(&ticket)?;
        self.labels.get(&(*workflow, code.to_owned())).cloned()
    }

    /// The person, if they are active and see the ticket.
    pub fn known(&self, person: Person, ticket: &Facts) -> Option<&Known> {
        let known = self.people.get(&person)?;
        let sees = match person {
            Person::Agent(id) => self.staff.get(&id)?.sees(ticket),
            Person::Contact(id) => known.sees(id, ticket),
        };
        sees.then_some(known)
    }
}

impl Known {
    /// As the visibility of tickets has it for every query.
    fn sees(&self, id: ContactId, ticket: &Facts) -> bool {
        let theirs = ticket.account_id.is_some_and(|account| self.accounts.contains(&account));
        !ticket.deleted && (theirs || ticket.opened_by == id.0)
    }
}

/// Whether the agents of the ticket's department have to be known.
fn concerns_department(occurrence: &Occurrence) -> bool {
    let kinds = [EventType::TicketElevated, EventType::DelayNoticed];
    occurrence.came || kinds.contains(&occurrence.kind)
}

fn distinct<T: Eq + std::hash::Hash>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<HashSet<T>>().into_iter().collect()
}

/// What cannot be read any more is as by default.
pub fn preferences(kept: Option<Value>) -> Preferences {
    kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
}

fn staff(row: &AgentRow) -> Staff {
    Staff {
        id: row.id,
        role: row.role,
        departments: row.departments.clone(),
        levels: row.levels.clone(),
    }
}

fn agent(row: AgentRow) -> Known {
    let wants = preferences(row.preferences);
    Known {
        person: Person::Agent(row.id),
        address: Address { name: Some(row.name), email: row.email },
        language: wants.language.clone(),
        zone: row.time_zone.0,
        wants,
        accounts: Vec::new(),
    }
}

fn contact(row: ContactRow) -> Known {
    let wants = preferences(row.preferences);
    Known {
        person: Person::Contact(row.id),
        address: Address { name: Some(row.name), email: row.email },
        language: wants.language.clone().or(Some(row.language)),
        zone: row.time_zone.0,
        wants,
        accounts: row.accounts,
    }
}
