//! Tries out a CRM before it goes live: everything that the mirror needs, on a case that is deleted again.
use uuid::Uuid;

use super::CrmError;
use super::adapters::Adapter;
use super::case::{Case, Field, NewNote, RemoteCase};
use super::vocabulary::Vocabulary;
use crate::kernel::Priority;

/// Text that a CRM must give back as it was sent.
const DIFFICULT: &str = "Casebridge probe: email <bob@customer.example>, vec<int>, 1 < 2 && \"quotes\", it's, \u{e9}\u{1f642}";

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    /// What was found, or what is wrong.
    pub outcome: Result<String, String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mark, text) = match &self.outcome {
            Ok(found) => ("ok  ", found),
            Err(wrong) => ("FAIL", wrong),
        };
        if text.is_empty() {
            write!(f, "{mark}  {}", self.what)
        } else {
            write!(f, "{mark}  {}: {text}", self.what)
        }
    }
}

/// The findings, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Report(pub Vec<Finding>);

impl Report {
    pub fn passed(&self) -> bool {
        self.0.iter().all(|finding| finding.outcome.is_ok())
    }

    fn add(&mut self, what: &str, outcome: Result<String, String>) {
        self.0.push(Finding { what: what.to_owned(), outcome });
    }

    /// Adds the outcome of a call; its value, if it succeeded.
    fn call<T>(&mut self, what: &str, outcome: Result<T, CrmError>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.add(what, Ok(String::new()));
                Some(value)
            }
            Err(error) => {
                self.add(what, Err(error.to_string()));
                None
            }
        }
    }
}

/// Tries the CRM out. Leaves nothing behind, unless a deletion fails, which is reported.
pub async fn probe(crm: &dyn Adapter, words: Vocabulary<'_>) -> Report {
    let mut report = Report::default();
    if report.call("sign in with the client's credentials", crm.sign_in().await).is_none() {
        return report;
    }
    for module in crm.modules() {
        report.call(&format!("list the module {module}"), crm.reach(module).await);
    }
    case(crm, words, &mut report).await;
    report
}

async fn case(crm: &dyn Adapter, words: Vocabulary<'_>, report: &mut Report) {
    let sent = crm.normal_form(&sample(words));
    let fields: Vec<&str> = sent.iter().map(|(field, _)| field.as_str()).collect();
    let id = Uuid::now_v7();
    let what = format!("create a case with {}", fields.join(", "));
    let Some(case) = report.call(&what, crm.create_case(id, &sent).await) else { return };
    report.add("read every field back as it was sent", differences(&sent, &case));
    let again = crm.create_case(id, &sent).await;
    if let Some(again) = report.call("create the same case again", again) {
        let same = again.id == case.id;
        let outcome = if same { Ok(String::new()) } else { Err("a second case was made".into()) };
        report.add("creating twice makes one case", outcome);
    }
    let high = words.priority(Priority::High).unwrap_or_default();
    let update = Case::from_iter([(Field::Priority, high)]);
    report.call("change a field", crm.update_case(&case, &update).await);
    note(crm, &case.id, report).await;
    let deleted = crm.delete_case(&case.id).await;
    if report.call("delete the case", deleted).is_some() {
        let outcome = match crm.create_case(id, &sent).await {
            Err(CrmError::Gone) => Ok(String::new()),
            Err(error) => Err(error.to_string()),
            Ok(_) => Err("the id of a deleted case can be used again".into()),
        };
        report.add("a deleted case is recognized as deleted", outcome);
    }
}

async fn note(crm: &dyn Adapter, case: &str, report: &mut Report) {
    let title = "Casebridge probe".to_owned();
    let new = NewNote {
        id: Uuid::now_v7(),
        title,
        body: DIFFICULT.into(),
        contact_id: None,
        internal: true,
    };
    let written = crm.create_note(case, &new).await;
    let Some(written) = report.call("write a note on the case", written) else { return };
    let outcome = match crm.notes(case).await {
        Ok(notes) if notes.iter().any(|note| note.id == written.id) => Ok(String::new()),
        Ok(_) => Err("the note is not among them".into()),
        Err(error) => Err(error.to_string()),
    };
    report.add("list the notes of the case", outcome);
    report.call("delete the note", crm.delete_note(&written.id).await);
}

fn sample(words: Vocabulary<'_>) -> Case {
    let same =
        [Field::Number, Field::Link, Field::Product].map(|field| (field, "Casebridge probe"));
    let own = [
        (Field::Subject, DIFFICULT),
        (Field::Description, DIFFICULT),
        (Field::Type, words.case_type("question")),
        (Field::Status, words.category("new").unwrap_or_default()),
        (Field::Priority, words.priority(Priority::Low).unwrap_or_default()),
    ];
    own.into_iter().chain(same).collect()
}

fn differences(sent: &Case, got: &RemoteCase) -> Result<String, String> {
    let differing: Vec<String> = sent
        .iter()
        .filter(|(field, ours)| got.fields.get(*field) != Some(ours))
        .map(|(field, ours)| {
            format!("{field}: sent {ours:?}, got {:?}", got.fields.get(field).unwrap_or_default())
        })
        .collect();
    if differing.is_empty() { Ok(String::new()) } else { Err(differing.join("; ")) }
}
