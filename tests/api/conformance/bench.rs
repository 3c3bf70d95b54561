//! What a scenario works with.
use std::time::Duration;

use casebridge::crm::adapters::{Access, Adapter, Kind};
use casebridge::crm::case::{Case, Field, NewNote};
use casebridge::crm::settings::Settings;
use casebridge::crm::vocabulary::Vocabulary;
use casebridge::kernel::{Priority, Secret};
use chrono::TimeDelta;
use fake_crm::Fault;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A CRM that is tried out.
pub struct Subject {
    pub kind: &'static Kind,
    pub adapter: Box<dyn Adapter>,
    /// The same CRM with credentials that it refuses.
    pub refused: Box<dyn Adapter>,
}

impl Subject {
    pub fn new(kind: &'static Kind, url: &str, client_id: &str, secret: &str) -> Self {
        let open = |secret: &str| {
            (kind.open)(Access::stock(kind, url, client_id, Secret::new(secret))).unwrap()
        };
        Self { kind, adapter: open(secret), refused: open("certainly not the secret") }
    }

    /// A case in the words of the CRM and in normal form.
    pub fn case(&self, subject: &str) -> Case {
        let settings = Settings::default();
        let words = Vocabulary::new(&settings, &self.kind.defaults);
        self.adapter.normal_form(&Case::from_iter([
            (Field::Subject, subject),
            (Field::Description, "It does not start."),
            (Field::Type, words.case_type("question")),
            (Field::Status, words.category("open").unwrap()),
            (Field::Priority, self.priority(Priority::Normal)),
            (Field::Assignee, ""),
            (Field::Account, ""),
        ]))
    }

    pub fn priority(&self, priority: Priority) -> &'static str {
        let known = self.kind.defaults.priorities;
        known.iter().find(|(known, _)| *known == priority).unwrap().1
    }
}

pub fn note(body: &str) -> NewNote {
    let title = "Reply by the desk".to_owned();
    NewNote { id: Uuid::now_v7(), title, body: body.into(), contact_id: None, internal: true }
}

/// What a fault is for.
#[derive(Debug, Clone, Copy)]
pub enum Call {
    CreateCase,
    CreateNote,
    ReadCase,
}

/// A simulated CRM, and the hands of a person who works in it.
pub trait Bench {
    fn subject(&self) -> &Subject;

    /// The id of the person who does the following.
    fn person(&self) -> &str;
    /// How many contacts a case can have.
    fn contacts_of_a_case(&self) -> usize {
        usize::MAX
    }
    /// Creates a case; returns its id.
    fn open(&self, subject: &str) -> String;
    fn edit(&self, case: &str, field: Field, value: &str);
    /// Writes a note; returns its id.
    fn write_note(&self, case: &str, text: &str) -> String;
    fn delete(&self, case: &str);
    /// Creates a contact of this last name; returns their id.
    fn contact(&self, last_name: &str, email: &str) -> String;
    /// Creates an account; returns its id.
    fn account(&self, name: &str) -> String;

    /// How many cases there are.
    fn cases(&self) -> usize;
    /// How many notes a case has.
    fn notes(&self, case: &str) -> usize;
    fn leads(&self) -> usize;
    /// The attributes of each update of a case that was sent.
    fn updates(&self) -> Vec<Map<String, Value>>;

    /// The next call of this sort goes wrong.
    fn fail(&self, call: Call, fault: Fault);
    /// Refuses our credentials from now on.
    fn take_credentials_away(&self);
    /// Sets how far the CRM's stamps are ahead of the real time.
    fn set_clock_offset(&self, offset: TimeDelta);
    fn set_latency(&self, latency: Duration);
}
