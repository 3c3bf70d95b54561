use std::time::Duration;

use casebridge::crm::adapters::suitecrm::KIND;
use casebridge::crm::case::Field;
use chrono::TimeDelta;
use fake_crm::{FakeCrm, Fault, FaultRule};
use serde_json::{Map, Value, json};

use super::bench::{Bench, Call, Subject};

pub struct SuiteBench {
    crm: FakeCrm,
    subject: Subject,
    person: String,
}

impl SuiteBench {
    pub async fn start() -> Self {
        let crm = FakeCrm::start().await.unwrap();
        let subject = Subject::new(&KIND, &crm.url(), crm.client_id(), crm.client_secret());
        let person = crm.create("Users", json!({ "user_name": "clerk" })).unwrap();
        Self { crm, subject, person }
    }

    fn living(&self, module: &str) -> usize {
        self.crm.records(module).iter().filter(|row| row.value("deleted") != "1").count()
    }
}

impl Bench for SuiteBench {
    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn person(&self) -> &str {
        &self.person
    }

    fn open(&self, subject: &str) -> String {
        self.crm.create("Cases", json!({ "name": subject })).unwrap()
    }

    fn edit(&self, case: &str, field: Field, value: &str) {
        let mut names = KIND.defaults.fields.iter();
        let name = names.find(|(known, _)| *known == field).unwrap().1;
        self.crm.edit("Cases", case, json!({ name: value }), &self.person).unwrap();
    }

    fn write_note(&self, case: &str, text: &str) -> String {
        self.crm.write_note(case, "", text, &self.person).unwrap()
    }

    fn delete(&self, case: &str) {
        self.crm.delete("Cases", case).unwrap();
    }

    fn contact(&self, last_name: &str, email: &str) -> String {
        let contact = json!({ "last_name": last_name, "email1": email });
        self.crm.create("Contacts", contact).unwrap()
    }

    fn account(&self, name: &str) -> String {
        self.crm.create("Accounts", json!({ "name": name })).unwrap()
    }

    fn cases(&self) -> usize {
        self.living("Cases")
    }

    fn notes(&self, case: &str) -> usize {
        self.crm.records("Notes").iter().filter(|note| note.value("parent_id") == case).count()
    }

    fn leads(&self) -> usize {
        self.living("Leads")
    }

    fn updates(&self) -> Vec<Map<String, Value>> {
        let calls = self.crm.calls().into_iter().filter(|call| call.method == "PATCH");
        let attributes = |body: String| {
            let body: Value = serde_json::from_str(&body).unwrap();
            body["data"]["attributes"].as_object().unwrap().clone()
        };
        calls.map(|call| attributes(call.body)).collect()
    }

    fn fail(&self, call: Call, fault: Fault) {
        let rule = FaultRule::next(fault);
        self.crm.fail(match call {
            Call::CreateCase => rule.method("POST").module("Cases"),
            Call::CreateNote => rule.method("POST").module("Notes"),
            Call::ReadCase => rule.method("GET").module("Cases"),
        });
    }

    fn take_credentials_away(&self) {
        self.crm.fail(FaultRule::next(Fault::AccessDenied).times(u32::MAX));
    }

    fn set_clock_offset(&self, offset: TimeDelta) {
        self.crm.set_clock_offset(offset);
    }

    fn set_latency(&self, latency: Duration) {
        self.crm.set_latency(latency);
    }
}

conforms!(SuiteBench);
