//! Tries out a CRM before it goes live: everything that the mirror needs, on a case that is deleted again.
mod attributes;
mod report;
mod texts;
mod writes;

use uuid::Uuid;

pub use self::attributes::missing_attributes;
pub use self::report::{Check, Findings, Outcome, Report};
use super::CrmError;
use super::adapters::{Adapter, Capabilities};
use super::case::{Case, Field, NewNote, RemoteCase};
use super::vocabulary::Vocabulary;
use crate::kernel::Priority;

/// What is tried out.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    crm: &'a dyn Adapter,
    words: Vocabulary<'a>,
    can: Capabilities,
}

/// Tries the CRM out. Leaves nothing behind, unless a deletion fails, which is reported.
pub async fn probe(crm: &dyn Adapter, words: Vocabulary<'_>, can: Capabilities) -> Report {
    let mut report = Report::default();
    if report.call("sign in with the client's credentials", crm.sign_in().await).is_none() {
        return report;
    }
    for module in crm.modules() {
        report.call(&format!("list the module {module}"), crm.reach(module).await);
    }
    let subject = Subject { crm, words, can };
    attributes::check(subject, &mut report).await;
    subject.case(&mut report).await;
    report
}

impl Subject<'_> {
    async fn case(self, report: &mut Report) {
        let sent = self.crm.normal_form(&sample(self.words));
        let fields: Vec<&str> = sent.iter().map(|(field, _)| field.as_str()).collect();
        let key = Uuid::now_v7();
        let what = format!("create a case with {}", fields.join(", "));
        let created = self.crm.create_case(key, &sent).await;
        let Some(case) = report.call(&what, created) else { return };
        read_back(&sent, &case, report);
        self.create_again(key, &sent, &case, report).await;
        texts::check(self, &case, report).await;
        writes::check(self, &case.id, report).await;
        self.note(&case.id, report).await;
        self.deletion(key, &sent, &case, report).await;
    }

    async fn create_again(self, key: Uuid, sent: &Case, case: &RemoteCase, report: &mut Report) {
        let check = "creating twice makes one case";
        match self.crm.create_case(key, sent).await {
            Ok(again) if again.id == case.id => {
                report.findings.idempotent_create = Some(true);
                report.add(Outcome::Ok, check, "");
            }
            Ok(second) => {
                report.findings.idempotent_create = Some(false);
                report.add(Outcome::Failed, check, "a second case was made");
                report.suggest("give cases a unique attribute for our key: `key_field`");
                report.call("delete the second case", self.crm.delete_case(&second.id).await);
            }
            Err(error) => report.add(Outcome::Failed, check, error.to_string()),
        }
    }

    async fn note(self, case: &str, report: &mut Report) {
        let new = NewNote {
            id: Uuid::now_v7(),
            title: "Casebridge probe".to_owned(),
            body: texts::DIFFICULT.into(),
            contact_id: None,
            internal: true,
        };
        let written = self.crm.create_note(case, &new).await;
        let Some(written) = report.call("write a note on the case", written) else { return };
        let check = "list the notes of the case";
        match self.crm.notes(case).await {
            Ok(notes) if notes.iter().any(|note| note.id == written.id) => {
                report.add(Outcome::Ok, check, "");
            }
            Ok(_) => report.add(Outcome::Failed, check, "the note is not among them"),
            Err(error) => report.add(Outcome::Failed, check, error.to_string()),
        }
        let sent = self.crm.normal_text(&new.body);
        texts::compare("keep the text of a note", &sent, &written.body, report);
        report.call("delete the note", self.crm.delete_note(&written.id).await);
    }

    async fn deletion(self, key: Uuid, sent: &Case, case: &RemoteCase, report: &mut Report) {
        let deleted = self.crm.delete_case(&case.id).await;
        if report.call("delete the case", deleted).is_none() {
            report.suggest(format!("delete it by hand: {}", self.crm.case_url(&case.id)));
            return;
        }
        let check = "a deleted case is told as deleted";
        let read = self.crm.read_case(&case.id).await;
        let told = matches!(read, Err(CrmError::NotFound { .. } | CrmError::Gone));
        report.findings.deletion_told = Some(told);
        match read {
            Ok(_) => report.add(Outcome::Failed, check, "it can still be read"),
            Err(_) if told => report.add(Outcome::Ok, check, ""),
            Err(error) => report.add(Outcome::Failed, check, error.to_string()),
        }
        self.not_again(key, sent, report).await;
    }

    /// Whether the key of a deleted case stays taken, as it does where ids are ours or deletions are told. Elsewhere the key is
    /// free again, and the mirror, which never asks for a deleted case, does without.
    async fn not_again(self, key: Uuid, sent: &Case, report: &mut Report) {
        let check = "a deleted case is not made again";
        if !self.can.client_ids && !self.can.deletions {
            return report.add(
                Outcome::Skipped,
                check,
                "this CRM forgets the keys of deleted cases",
            );
        }
        match self.crm.create_case(key, sent).await {
            Err(CrmError::Gone) => report.add(Outcome::Ok, check, ""),
            Ok(again) => {
                report.add(Outcome::Warning, check, "a new case was made under its key");
                report.call("delete the case once more", self.crm.delete_case(&again.id).await);
            }
            Err(error) => report.add(Outcome::Failed, check, error.to_string()),
        }
    }
}

fn sample(words: Vocabulary<'_>) -> Case {
    let same = [Field::Subject, Field::Description, Field::Number, Field::Link, Field::Product]
        .into_iter();
    let own = [
        (Field::Type, words.case_type("question")),
        (Field::Status, words.category("new").unwrap_or_default()),
        (Field::Priority, words.priority(Priority::Low).unwrap_or_default()),
    ];
    own.into_iter().chain(same.map(|field| (field, "Casebridge probe"))).collect()
}

fn read_back(sent: &Case, got: &RemoteCase, report: &mut Report) {
    let check = "read every field back as it was sent";
    let differing: Vec<String> = sent
        .iter()
        .filter(|(field, ours)| got.fields.get(*field) != Some(ours))
        .map(|(field, ours)| {
            format!("{field}: sent {ours:?}, got {:?}", got.fields.get(field).unwrap_or_default())
        })
        .collect();
    if differing.is_empty() {
        report.add(Outcome::Ok, check, "");
    } else {
        report.add(Outcome::Failed, check, differing.join("; "));
        report.suggest("map these fields and values to what the CRM has, or take the fields out");
    }
}
