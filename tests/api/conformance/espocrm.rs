use std::time::Duration;

use casebridge::crm::adapters::espocrm::KIND;
use casebridge::crm::case::Field;
use chrono::TimeDelta;
use fake_crm::espo::FakeEspo;
use fake_crm::{Fault, FaultRule};
use serde_json::{Map, Value, json};

use super::bench::{Bench, Call, Subject};

/// Somebody who works in the CRM.
const CLERK: &str = "65f0000000000c1e4";

pub struct EspoBench {
    crm: FakeEspo,
    subject: Subject,
}

impl EspoBench {
    pub async fn start() -> Self {
        let crm = FakeEspo::start().await.unwrap();
        let subject = Subject::new(&KIND, &crm.url(), "", crm.api_key());
        let clerk = json!({ "id": CLERK, "userName": "clerk", "lastName": "Clerk" });
        crm.create("User", clerk).unwrap();
        Self { crm, subject }
    }

    fn living(&self, entity: &str) -> usize {
        self.crm.records(entity).iter().filter(|row| !row.deleted).count()
    }
}

impl Bench for EspoBench {
    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn person(&self) -> &str {
        CLERK
    }

    fn open(&self, subject: &str) -> String {
        self.crm.create("Case", json!({ "name": subject })).unwrap()
    }

    fn edit(&self, case: &str, field: Field, value: &str) {
        let mut names = KIND.defaults.fields.iter();
        let name = names.find(|(known, _)| *known == field).unwrap().1;
        self.crm.edit("Case", case, json!({ name: value }), CLERK).unwrap();
    }

    fn write_note(&self, case: &str, text: &str) -> String {
        self.crm.post(case, text, CLERK).unwrap()
    }

    fn delete(&self, case: &str) {
        self.crm.delete("Case", case, CLERK).unwrap();
    }

    fn contact(&self, last_name: &str, email: &str) -> String {
        let contact = json!({ "lastName": last_name, "emailAddress": email });
        self.crm.create("Contact", contact).unwrap()
    }

    fn account(&self, name: &str) -> String {
        self.crm.create("Account", json!({ "name": name })).unwrap()
    }

    fn cases(&self) -> usize {
        self.living("Case")
    }

    fn notes(&self, case: &str) -> usize {
        self.crm.posts_of(case).len()
    }

    fn leads(&self) -> usize {
        self.living("Lead")
    }

    fn updates(&self) -> Vec<Map<String, Value>> {
        let calls = self.crm.calls().into_iter().filter(|call| call.method == "PUT");
        calls.map(|call| serde_json::from_str(&call.body).unwrap()).collect()
    }

    fn fail(&self, call: Call, fault: Fault) {
        let rule = FaultRule::next(fault);
        self.crm.fail(match call {
            Call::CreateCase => rule.method("POST").module("Case"),
            Call::CreateNote => rule.method("POST").module("Note"),
            Call::ReadCase => rule.method("GET").module("Case"),
        });
    }

    fn take_credentials_away(&self) {
        self.crm.revoke_key(true);
    }

    fn set_clock_offset(&self, offset: TimeDelta) {
        self.crm.set_clock_offset(offset);
    }

    fn set_latency(&self, latency: Duration) {
        self.crm.set_latency(latency);
    }
}

conforms!(EspoBench);
