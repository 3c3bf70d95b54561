//! Plays a history on a real desk with a simulated CRM, then holds both sides against one another.
use std::time::Duration;

use chrono::Utc;
use fake_crm::{Fault, FaultRule};
use serde_json::{Value, json};

use super::model::{Edits, Field, Side, Step, Trouble};
use crate::support::mirror::{CLERK, Mirrored, crm_id, text};

/// A desk and a CRM; each history has a ticket of its own.
pub struct World {
    desk: Mirrored,
}

const PRIORITIES: [(&str, &str); 3] = [("low", "P3"), ("normal", "P2"), ("high", "P1")];
const AGENTS: [&str; 2] = ["L1 agent A", "L1 agent B"];
const PRODUCTS: [&str; 2] = ["CoreTrac", ""];
const STATUSES: [(&str, &str); 3] =
    [("Closed", "Closed_Closed"), ("Open", "Open_Assigned"), ("Open", "Open_Pending Input")];

/// One history while it is played.
struct Play<'a> {
    desk: &'a Mirrored,
    ticket: String,
    edits: Edits,
    /// The texts that each side wrote.
    notes: Vec<(Side, String)>,
}

impl World {
    /// Conflicts are decided by this policy.
    pub async fn new(policy: &str) -> Self {
        let fields = Field::ALL.map(|field| (field.name().to_owned(), json!(policy)));
        let policies: serde_json::Map<_, _> = fields.into_iter().collect();
        Self { desk: Mirrored::start_with(json!({ "policies": policies })).await }
    }

    /// Fails with what is wrong in the end.
    pub async fn play(&self, steps: &[Step]) -> Result<(), String> {
        let ticket = self.desk.open("A history").await;
        let mut play =
            Play { desk: &self.desk, ticket, edits: Edits::default(), notes: Vec::new() };
        for step in steps {
            play.step(*step).await;
        }
        play.come_to_rest().await?;
        play.compare().await
    }
}

impl Play<'_> {
    async fn step(&mut self, step: Step) {
        let mirror = &self.desk.app.service.mirror;
        match step {
            Step::Edit(Side::Desk, field, value) => self.edit_ticket(field, value).await,
            Step::Edit(Side::Crm, field, value) => self.edit_case(field, value).await,
            Step::Status(value) => {
                let (state, status) = STATUSES[value % STATUSES.len()];
                self.in_the_case(json!({"state": state, "status": status})).await;
            }
            Step::Rename => self.in_the_case(json!({"name": "Renamed in the CRM"})).await,
            Step::Note(side) => self.note(side).await,
            Step::Publish => self.desk.app.publish().await,
            // The service's own failures would be told here; the CRM's are outcomes.
            Step::Mirror => _ = mirror.converge_due(Utc::now()).await.unwrap(),
            Step::Poll => {
                self.desk.app.sql("update crm_connections set poll_at = now()").await.unwrap();
                mirror.poll_due(Utc::now()).await.unwrap();
            }
            Step::Trouble(trouble) => self.trouble(trouble),
            Step::Crash(after) => self.crash(after).await,
            Step::Wait => self.time_passes().await,
        }
    }

    async fn edit_ticket(&mut self, field: Field, value: usize) {
        let before = self.ticket().await;
        let (shown, base) = (self.in_crm_words(field, &before), self.base(field).await);
        let path = format!("/v1/tickets/{}", self.ticket);
        let (name, body) = self.choice(field, value);
        let reply = match field {
            Field::Priority => self.desk.admin.patch(&path, "*", body).await,
            _ => self.desk.admin.post_on(&format!("{path}/transfer"), "*", body).await,
        };
        // A closed ticket refuses, and a full agent may be refused: then nobody edited anything.
        if reply.status == 200 && name != shown {
            self.edits.made(Side::Desk, field, &shown, &name, base.as_deref());
        }
    }

    /// The value with this number in the CRM's words, and what sets it at the desk.
    fn choice(&self, field: Field, value: usize) -> (String, Value) {
        match field {
            Field::Priority => {
                let (priority, word) = PRIORITIES[value % PRIORITIES.len()];
                (word.to_owned(), json!({ "priority": priority }))
            }
            Field::Assignee => {
                let agent = AGENTS[value % AGENTS.len()];
                (crm_id(agent), json!({ "agent_id": self.desk.id(agent) }))
            }
            Field::Product => {
                let product = PRODUCTS[value % PRODUCTS.len()];
                let id = (!product.is_empty()).then(|| self.desk.id(product));
                (product.to_owned(), json!({ "product_id": id }))
            }
        }
    }

    async fn edit_case(&mut self, field: Field, value: usize) {
        let Some(case) = self.case().await else { return };
        let (value, _) = self.choice(field, value);
        let shown = case.value(attribute(field)).to_owned();
        let base = self.base(field).await;
        if value != shown {
            self.in_the_case(json!({ (attribute(field)): value })).await;
            self.edits.made(Side::Crm, field, &shown, &value, base.as_deref());
        }
    }

    async fn in_the_case(&self, attributes: Value) {
        if let Some(case) = self.case().await {
            self.desk.in_the_crm(|crm| crm.edit("Cases", &case.id, attributes, CLERK).unwrap());
        }
    }

    async fn note(&mut self, side: Side) {
        let body = format!("Note {} of {}.", self.notes.len(), self.ticket);
        match side {
            Side::Desk => self.desk.note(&self.ticket, "internal", &body).await,
            Side::Crm => {
                let Some(case) = self.case().await else { return };
                self.desk.in_the_crm(|crm| crm.write_note(&case.id, "", &body, CLERK).unwrap());
            }
        }
        self.notes.push((side, body));
    }

    fn trouble(&self, trouble: Trouble) {
        let rule = match trouble {
            Trouble::RefusedConnection => FaultRule::next(Fault::DropBefore),
            Trouble::LostUpdate => FaultRule::next(Fault::DropAfter).method("PATCH"),
            Trouble::LostCreation => FaultRule::next(Fault::DropAfter).method("POST"),
            Trouble::ServerError => FaultRule::next(Fault::ServerError),
            Trouble::Throttled => FaultRule::next(Fault::TooManyRequests { retry_after: 1 }),
            Trouble::Revoked => return self.desk.crm.revoke_tokens(),
        };
        self.desk.crm.fail(rule);
    }

    /// Whatever the attempt is doing, it is never heard of again, and its leases run out.
    async fn crash(&self, after: u64) {
        let attempt = self.desk.app.service.mirror.converge_due(Utc::now());
        _ = tokio::time::timeout(Duration::from_millis(after), attempt).await;
        self.time_passes().await;
    }

    /// Pauses are over, and the leases of the dead have run out.
    async fn time_passes(&self) {
        self.desk.wait().await;
        let expire = "update crm_mirrors set leased_until = null where leased_until is not null";
        self.desk.app.sql(expire).await.unwrap();
    }

    /// The CRM recovers, time passes, and everything is compared as the daily reconcile does.
    async fn come_to_rest(&self) -> Result<(), String> {
        self.desk.crm.clear_faults();
        for _ in 0..60 {
            self.time_passes().await;
            self.desk.app.publish().await;
            let everything =
                "update crm_mirrors set full_check = true where dirty_since is not null";
            self.desk.app.sql(everything).await.unwrap();
            if !self.desk.app.service.mirror.converge_due(Utc::now()).await.unwrap() {
                break;
            }
        }
        let compare = format!(
            "update crm_mirrors set full_check = true, dirty_since = now(), dirty_seq = dirty_seq + 1,
             next_attempt_at = now() where ticket_id = '{}'",
            self.ticket
        );
        self.desk.app.sql(compare).await.unwrap();
        for _ in 0..60 {
            self.time_passes().await;
            self.desk.app.publish().await;
            if !self.desk.app.service.mirror.converge_due(Utc::now()).await.unwrap() {
                let mirror = self.desk.mirror(&self.ticket).await;
                let at_rest = mirror["dirty_since"].is_null() && mirror["state"] == "linked";
                return if at_rest { Ok(()) } else { Err(format!("not at rest: {mirror}")) };
            }
        }
        Err("the mirror does not come to rest".into())
    }

    async fn compare(&self) -> Result<(), String> {
        let ticket = self.ticket().await;
        let number = text(&ticket["number"]);
        let cases = self.desk.crm.records("Cases");
        let ours: Vec<_> =
            cases.iter().filter(|case| case.value("ticket_number_c") == number).collect();
        let [case] = ours.as_slice() else {
            return Err(format!("{} cases for one ticket", ours.len()));
        };
        let conflicts = self.desk.conflicts(&self.ticket).await;
        for field in Field::ALL {
            let (desk, crm) = (self.in_crm_words(field, &ticket), case.value(attribute(field)));
            if desk != crm {
                return Err(format!("{field:?}: {desk:?} at the desk and {crm:?} in the CRM"));
            }
            for (side, value) in self.edits.overruled(field, crm) {
                let told = conflicts.iter().any(|conflict| {
                    conflict["field"] == field.name()
                        && (conflict["desk"] == value || conflict["crm"] == value)
                });
                if !told {
                    return Err(format!("{side:?} set {field:?} to {value:?}; it is {crm:?}"));
                }
            }
        }
        for field in Field::ALL.into_iter().filter(|field| !self.edits.in_the_crm(*field)) {
            if let Some(made_up) = conflicts.iter().find(|c| c["field"] == field.name()) {
                return Err(format!("nobody edited {field:?} in the CRM: {made_up}"));
            }
        }
        if case.value("name") != text(&ticket["subject"]) {
            return Err(format!("the case is called {:?}", case.value("name")));
        }
        self.compare_notes(&case.id).await
    }

    /// Each note is on each side once.
    async fn compare_notes(&self, case: &str) -> Result<(), String> {
        let path = format!("/v1/tickets/{}/notes?limit=100", self.ticket);
        let page = self.desk.admin.get(&path).await.expect(200);
        let here: Vec<String> =
            page["items"].as_array().unwrap().iter().map(|note| text(&note["body"])).collect();
        let notes = self.desk.notes(case);
        let there: Vec<&str> = notes.iter().map(|note| note.value("description")).collect();
        for (side, body) in &self.notes {
            let here = here.iter().filter(|text| text.contains(body)).count();
            let there = there.iter().filter(|text| text.contains(body)).count();
            if (here, there) != (1, 1) {
                return Err(format!("{body:?} of {side:?} is {here} and {there} times there"));
            }
        }
        let written = self.notes.len();
        let equal = there.len() == written;
        if equal { Ok(()) } else { Err(format!("{} notes of {written}: {there:?}", there.len())) }
    }

    async fn ticket(&self) -> Value {
        self.desk.ticket(&self.ticket).await
    }

    /// What the ticket has, as its case would have it.
    fn in_crm_words(&self, field: Field, ticket: &Value) -> String {
        match field {
            Field::Priority => {
                let word = PRIORITIES.iter().find(|(priority, _)| ticket["priority"] == *priority);
                word.unwrap().1.to_owned()
            }
            Field::Assignee => {
                let agent = ticket["assignee_id"].as_str();
                agent.map(|id| crm_id(&self.desk.name(id))).unwrap_or_default()
            }
            Field::Product => {
                ticket["product_id"].as_str().map(|id| self.desk.name(id)).unwrap_or_default()
            }
        }
    }

    /// The ticket's case, if there is one yet.
    async fn case(&self) -> Option<fake_crm::Record> {
        let path = format!("/v1/tickets/{}/mirror", self.ticket);
        let mirrors = self.desk.admin.get(&path).await.expect(200);
        let id = mirrors["items"][0]["remote_id"].as_str()?;
        self.desk.crm.record("Cases", id)
    }

    /// What both sides agreed on last.
    async fn base(&self, field: Field) -> Option<String> {
        let column = format!("agreement #>> '{{base,{}}}'", field.name());
        let query = format!(
            "select {column} as text from crm_mirrors where ticket_id = '{}' and {column} is not null",
            self.ticket
        );
        self.desk.app.text(&query).await
    }
}

/// The attribute of a case.
fn attribute(field: Field) -> &'static str {
    match field {
        Field::Priority => "priority",
        Field::Assignee => "assigned_user_id",
        Field::Product => "product_c",
    }
}
