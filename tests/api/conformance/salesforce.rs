use std::time::Duration;

use casebridge::crm::adapters::salesforce::KIND;
use casebridge::crm::case::Field;
use chrono::TimeDelta;
use fake_crm::salesforce::{FakeSalesforce, Settings};
use fake_crm::{Fault, FaultRule};
use serde_json::{Map, Value, json};

use super::bench::{Bench, Call, Subject};

pub struct SalesBench {
    crm: FakeSalesforce,
    subject: Subject,
    person: String,
}

impl SalesBench {
    pub async fn start() -> Self {
        // Answers that are cut short, so that whatever is read is read in pages.
        let settings = Settings { query_batch: 200, ..Settings::default() };
        let crm = FakeSalesforce::start_with(settings).await.unwrap();
        let subject = Subject::new(&KIND, &crm.url(), crm.client_id(), crm.client_secret());
        let person = crm.create("User", json!({ "LastName": "Clerk" })).unwrap();
        Self { crm, subject, person }
    }

    fn living(&self, object: &str) -> usize {
        self.crm.records(object).iter().filter(|record| !record.deleted).count()
    }
}

impl Bench for SalesBench {
    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn person(&self) -> &str {
        &self.person
    }

    fn contacts_of_a_case(&self) -> usize {
        1
    }

    fn open(&self, subject: &str) -> String {
        self.crm.create("Case", json!({ "Subject": subject })).unwrap()
    }

    fn edit(&self, case: &str, field: Field, value: &str) {
        let mut names = KIND.defaults.fields.iter();
        let name = names.find(|(known, _)| *known == field).unwrap().1;
        self.crm.edit("Case", case, json!({ name: value }), &self.person).unwrap();
    }

    fn write_note(&self, case: &str, text: &str) -> String {
        self.crm.write_comment(case, text, &self.person).unwrap()
    }

    fn delete(&self, case: &str) {
        self.crm.delete("Case", case).unwrap();
    }

    fn contact(&self, last_name: &str, email: &str) -> String {
        let contact = json!({ "LastName": last_name, "Email": email });
        self.crm.create("Contact", contact).unwrap()
    }

    fn account(&self, name: &str) -> String {
        self.crm.create("Account", json!({ "Name": name })).unwrap()
    }

    fn cases(&self) -> usize {
        self.living("Case")
    }

    fn notes(&self, case: &str) -> usize {
        let comments = self.crm.records("CaseComment");
        comments.iter().filter(|note| !note.deleted && note.value("ParentId") == case).count()
    }

    fn leads(&self) -> usize {
        self.living("Lead")
    }

    fn updates(&self) -> Vec<Map<String, Value>> {
        let calls = self.crm.calls().into_iter();
        let updates = calls.filter(|c| c.method == "PATCH" && c.path.ends_with("/sobjects"));
        let fields = |body: String| {
            let body: Value = serde_json::from_str(&body).unwrap();
            let mut record = body["records"][0].as_object().unwrap().clone();
            record.retain(|name, _| name != "attributes" && name != "id");
            record
        };
        updates.map(|call| fields(call.body)).collect()
    }

    fn fail(&self, call: Call, fault: Fault) {
        let rule = FaultRule::next(fault);
        self.crm.fail(match call {
            Call::CreateCase => rule.method("PATCH").path("/sobjects/Case/Casebridge_Key__c"),
            Call::CreateNote => rule.method("POST").module("CaseComment"),
            Call::ReadCase => rule.method("GET").module("Case"),
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

conforms!(SalesBench);
