//! The simulated CRMs in the terms of a history: what people do in them, what goes wrong with them, and what they store.
use std::ops::Deref;

use fake_crm::{Fault, FaultRule};
use serde_json::{Map, Value, json};

use super::model::{Field, Trouble};
use crate::crm_espocrm::CLERK as ESPO_CLERK;
use crate::crm_espocrm::desk::EspoDesk;
use crate::crm_salesforce::desk::SalesDesk;
use crate::support::mirror::{CLERK, Desk, Mirrored, crm_id};

/// What a CRM calls things.
pub struct Words {
    /// The attributes of a case.
    pub subject: &'static str,
    pub number: &'static str,
    priority: &'static str,
    assignee: &'static str,
    product: &'static str,
    /// By the desk's word, which comes first.
    pub priorities: [(&'static str, &'static str); 3],
    /// The method of HTTP that updates a case.
    update: &'static str,
}

impl Words {
    /// The attribute of a case.
    pub fn attribute(&self, field: Field) -> &'static str {
        match field {
            Field::Priority => self.priority,
            Field::Assignee => self.assignee,
            Field::Product => self.product,
        }
    }
}

/// A case as the CRM stores it.
pub struct Case {
    pub id: String,
    values: Map<String, Value>,
}

impl Case {
    /// Empty for null.
    pub fn value(&self, attribute: &str) -> &str {
        self.values.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A desk that is connected to a simulated CRM.
pub trait Simulated: Deref<Target = Desk> {
    fn words(&self) -> Words;

    /// The id of the agent who has this name at the desk.
    fn user(&self, name: &str) -> String {
        crm_id(name)
    }

    /// Every case, deleted ones too.
    fn cases(&self) -> Vec<Case>;

    /// The clerk sets attributes of a case.
    fn set(&self, case: &str, attributes: Value);

    /// The clerk closes the case or opens it; the choice is taken modulo the number of statuses.
    fn set_status(&self, case: &str, choice: usize);

    /// The clerk writes a note.
    fn write_note(&self, case: &str, text: &str);

    /// The texts of the notes on a case.
    fn notes_of(&self, case: &str) -> Vec<String>;

    fn fail(&self, rule: FaultRule);

    /// Nothing that was ordered goes wrong any more.
    fn clear_faults(&self);

    /// Takes away what we signed in with.
    fn revoke(&self);

    /// Gives back what was taken away; whether somebody has to resume the connection for it.
    fn give_back(&self) -> bool {
        false
    }

    /// Whether an edit now would get lost in the CRM itself: some save a whole case as they read it a while before, and nobody
    /// ever sees what was saved in between.
    fn is_busy(&self) -> bool {
        false
    }

    fn trouble(&self, trouble: Trouble) {
        let rule = match trouble {
            Trouble::RefusedConnection => FaultRule::next(Fault::DropBefore),
            Trouble::LostUpdate => FaultRule::next(Fault::DropAfter).method(self.words().update),
            Trouble::UnsentUpdate => FaultRule::next(Fault::DropBefore).method(self.words().update),
            Trouble::LostCreation => FaultRule::next(Fault::DropAfter).method("POST"),
            Trouble::ServerError => FaultRule::next(Fault::ServerError),
            Trouble::Throttled => FaultRule::next(Fault::TooManyRequests { retry_after: 1 }),
            Trouble::Revoked => return self.revoke(),
        };
        self.fail(rule);
    }
}

impl Simulated for Mirrored {
    fn words(&self) -> Words {
        Words {
            subject: "name",
            number: "ticket_number_c",
            priority: "priority",
            assignee: "assigned_user_id",
            product: "product_c",
            priorities: [("low", "P3"), ("normal", "P2"), ("high", "P1")],
            update: "PATCH",
        }
    }

    fn cases(&self) -> Vec<Case> {
        let records = self.crm.records("Cases").into_iter();
        let values = |values: std::collections::BTreeMap<String, String>| {
            values.into_iter().map(|(name, value)| (name, value.into())).collect()
        };
        records.map(|case| Case { id: case.id, values: values(case.values) }).collect()
    }

    fn set(&self, case: &str, attributes: Value) {
        self.in_the_crm(|crm| crm.edit("Cases", case, attributes, CLERK).unwrap());
    }

    fn set_status(&self, case: &str, choice: usize) {
        let statuses = [
            ("Closed", "Closed_Closed"),
            ("Open", "Open_Assigned"),
            ("Open", "Open_Pending Input"),
        ];
        let (state, status) = statuses[choice % statuses.len()];
        self.set(case, json!({"state": state, "status": status}));
    }

    fn write_note(&self, case: &str, text: &str) {
        self.in_the_crm(|crm| crm.write_note(case, "", text, CLERK).unwrap());
    }

    fn notes_of(&self, case: &str) -> Vec<String> {
        self.notes(case).iter().map(|note| note.value("description").to_owned()).collect()
    }

    fn fail(&self, rule: FaultRule) {
        self.crm.fail(rule);
    }

    fn clear_faults(&self) {
        self.crm.clear_faults();
    }

    fn revoke(&self) {
        self.crm.revoke_tokens();
    }

    fn is_busy(&self) -> bool {
        self.crm.running() > 0
    }
}

impl Simulated for EspoDesk {
    fn words(&self) -> Words {
        Words {
            subject: "name",
            number: "cTicketNumber",
            priority: "priority",
            assignee: "assignedUserId",
            product: "cProduct",
            priorities: [("low", "Low"), ("normal", "Normal"), ("high", "High")],
            update: "PUT",
        }
    }

    fn cases(&self) -> Vec<Case> {
        let records = self.crm.records("Case").into_iter();
        records.map(|case| Case { id: case.id, values: case.values }).collect()
    }

    fn set(&self, case: &str, attributes: Value) {
        self.in_the_crm(|crm| crm.edit("Case", case, attributes, ESPO_CLERK).unwrap());
    }

    fn set_status(&self, case: &str, choice: usize) {
        let statuses = ["Closed", "Assigned", "Pending", "Duplicate"];
        self.set(case, json!({"status": statuses[choice % statuses.len()]}));
    }

    fn write_note(&self, case: &str, text: &str) {
        self.in_the_crm(|crm| crm.post(case, text, ESPO_CLERK).unwrap());
    }

    fn notes_of(&self, case: &str) -> Vec<String> {
        self.crm.posts_of(case).iter().map(|post| post.text("post").to_owned()).collect()
    }

    fn fail(&self, rule: FaultRule) {
        self.crm.fail(rule);
    }

    fn clear_faults(&self) {
        self.crm.clear_faults();
    }

    fn revoke(&self) {
        self.crm.revoke_key(true);
    }

    /// There is no other key until a person makes one.
    fn give_back(&self) -> bool {
        self.crm.revoke_key(false);
        true
    }
}

impl Simulated for SalesDesk {
    fn words(&self) -> Words {
        Words {
            subject: "Subject",
            number: "Ticket_Number__c",
            priority: "Priority",
            assignee: "OwnerId",
            product: "Product__c",
            priorities: [("low", "Low"), ("normal", "Medium"), ("high", "High")],
            update: "PATCH",
        }
    }

    fn user(&self, name: &str) -> String {
        self.crm_id(name).to_owned()
    }

    fn cases(&self) -> Vec<Case> {
        let records = self.crm.records("Case").into_iter();
        records.map(|c| Case { id: c.id, values: c.values.into_iter().collect() }).collect()
    }

    fn set(&self, case: &str, attributes: Value) {
        self.in_the_crm(|crm| crm.edit("Case", case, attributes, &self.clerk).unwrap());
    }

    fn set_status(&self, case: &str, choice: usize) {
        let statuses = ["Closed", "Working", "Escalated"];
        self.set(case, json!({"Status": statuses[choice % statuses.len()]}));
    }

    fn write_note(&self, case: &str, text: &str) {
        self.in_the_crm(|crm| crm.write_comment(case, text, &self.clerk).unwrap());
    }

    fn notes_of(&self, case: &str) -> Vec<String> {
        let comments = self.crm.records("CaseComment").into_iter();
        let own = comments.filter(|comment| comment.value("ParentId") == case);
        own.map(|comment| comment.value("CommentBody").to_owned()).collect()
    }

    fn fail(&self, rule: FaultRule) {
        self.crm.fail(rule);
    }

    fn clear_faults(&self) {
        self.crm.clear_faults();
    }

    fn revoke(&self) {
        self.crm.revoke_tokens();
    }
}
