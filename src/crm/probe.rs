//! Tries out a CRM before it goes live: everything that the mirror needs, on a case that is deleted again.
use uuid::Uuid;

use super::CrmError;
use super::adapters::suitecrm::SuiteCrm;
use super::case::{Case, Field, NewNote, RemoteCase};

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
pub async fn probe(suite: &SuiteCrm) -> Report {
    let mut report = Report::default();
    if report.call("sign in with the client's credentials", suite.sign_in().await).is_none() {
        return report;
    }
    for module in ["Cases", "Notes", "Accounts", "Contacts", "Users"] {
        report.call(&format!("list the module {module}"), suite.reach(module).await);
    }
    case(suite, &mut report).await;
    report
}

async fn case(suite: &SuiteCrm, report: &mut Report) {
    let sent = suite.normal_form(&sample());
    let fields: Vec<&str> = sent.iter().map(|(field, _)| field.as_str()).collect();
    let id = Uuid::now_v7();
    let what = format!("create a case with {}", fields.join(", "));
    let Some(case) = report.call(&what, suite.create_case(id, &sent).await) else { return };
    report.add("read every field back as it was sent", differences(&sent, &case));
    let again = suite.create_case(id, &sent).await;
    if let Some(again) = report.call("create the same case again", again) {
        let same = again.id == case.id;
        let outcome = if same { Ok(String::new()) } else { Err("a second case was made".into()) };
        report.add("creating twice makes one case", outcome);
    }
    let update = Case::from_iter([(Field::Priority, "P1")]);
    report.call("change a field", suite.update_case(&case.id, &update).await);
    note(suite, &case.id, report).await;
    let deleted = suite.delete("Cases", &case.id).await;
    if report.call("delete the case", deleted).is_some() {
        let outcome = match suite.create_case(id, &sent).await {
            Err(CrmError::Gone) => Ok(String::new()),
            Err(error) => Err(error.to_string()),
            Ok(_) => Err("the id of a deleted case can be used again".into()),
        };
        report.add("a deleted case is recognized as deleted", outcome);
    }
}

async fn note(suite: &SuiteCrm, case: &str, report: &mut Report) {
    let title = "Casebridge probe".to_owned();
    let new = NewNote { id: Uuid::now_v7(), title, body: DIFFICULT.into(), contact_id: None };
    let written = suite.create_note(case, &new).await;
    let Some(written) = report.call("write a note on the case", written) else { return };
    let outcome = match suite.notes(case).await {
        Ok(notes) if notes.iter().any(|note| note.id == written.id) => Ok(String::new()),
        Ok(_) => Err("the note is not among them".into()),
        Err(error) => Err(error.to_string()),
    };
    report.add("list the notes of the case", outcome);
    report.call("delete the note", suite.delete("Notes", &written.id).await);
}

fn sample() -> Case {
    let same =
        [Field::Number, Field::Link, Field::Product].map(|field| (field, "Casebridge probe"));
    let own = [
        (Field::Subject, DIFFICULT),
        (Field::Description, DIFFICULT),
        (Field::Type, "User"),
        (Field::Status, "Open/Open_New"),
        (Field::Priority, "P3"),
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
