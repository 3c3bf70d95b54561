//! Plays a history on a real desk with a simulated CRM, then holds both sides against one another.
use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};

use super::crm::{Case, Simulated, Words};
use super::model::{Edits, Field, Side, Step};
use crate::support::mirror::text;

/// A desk and a CRM; each history has a ticket of its own.
pub struct World {
    desk: Box<dyn Simulated>,
}

const AGENTS: [&str; 2] = ["L1 agent A", "L1 agent B"];
const PRODUCTS: [&str; 2] = ["CoreTrac", ""];

/// One history while it is played.
struct Play<'a> {
    desk: &'a dyn Simulated,
    words: Words,
    ticket: String,
    edits: Edits,
    /// The texts that each side wrote.
    notes: Vec<(Side, String)>,
}

impl World {
    pub fn new(desk: Box<dyn Simulated>) -> Self {
        Self { desk }
    }

    /// Fails with what is wrong in the end.
    pub async fn play(&self, steps: &[Step]) -> Result<(), String> {
        let ticket = self.desk.open("A history").await;
        let mut play = Play {
            desk: &*self.desk,
            words: self.desk.words(),
            ticket,
            edits: Edits::default(),
            notes: Vec::new(),
        };
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
                if let Some(case) = self.case().await {
                    self.desk.set_status(&case.id, value);
                    self.edits.case_saved = true;
                }
            }
            Step::Rename => {
                if let Some(case) = self.case().await {
                    let renamed = json!({(self.words.subject): "Renamed in the CRM"});
                    self.desk.set(&case.id, renamed);
                    self.edits.case_saved = true;
                }
            }
            Step::Note(side) => self.note(side).await,
            Step::Publish => self.desk.app.publish().await,
            // The service's own failures would be told here; the CRM's are outcomes.
            Step::Mirror => _ = mirror.converge_due(Utc::now()).await.unwrap(),
            Step::Poll => {
                self.desk.app.sql("update crm_connections set poll_at = now()").await.unwrap();
                mirror.poll_due(Utc::now()).await.unwrap();
            }
            Step::Trouble(trouble) => self.desk.trouble(trouble),
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
                let priorities = self.words.priorities;
                let (priority, word) = priorities[value % priorities.len()];
                (word.to_owned(), json!({ "priority": priority }))
            }
            Field::Assignee => {
                let agent = AGENTS[value % AGENTS.len()];
                (self.desk.user(agent), json!({ "agent_id": self.desk.id(agent) }))
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
        let attribute = self.words.attribute(field);
        let shown = case.value(attribute).to_owned();
        let base = self.base(field).await;
        if value != shown {
            self.desk.set(&case.id, json!({ (attribute): value }));
            self.edits.made(Side::Crm, field, &shown, &value, base.as_deref());
        }
    }

    async fn note(&mut self, side: Side) {
        let body = format!("Note {} of {}.", self.notes.len(), self.ticket);
        match side {
            Side::Desk => self.desk.note(&self.ticket, "internal", &body).await,
            Side::Crm => {
                let Some(case) = self.case().await else { return };
                self.desk.write_note(&case.id, &body);
            }
        }
        self.notes.push((side, body));
    }

    /// Whatever the attempt is doing, it is never heard of again, and its leases run out. People see what the CRM still does
    /// with it.
    async fn crash(&self, after: u64) {
        let attempt = self.desk.app.service.mirror.converge_due(Utc::now());
        _ = tokio::time::timeout(Duration::from_millis(after), attempt).await;
        self.time_passes().await;
        while self.desk.is_busy() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Pauses are over, the leases and trials of the dead have run out, and people have put right what only they can.
    async fn time_passes(&self) {
        self.desk.wait().await;
        let path = format!("/v1/crm/connections/{}", self.desk.connection);
        if self.desk.give_back()
            && self.desk.admin.get(&path).await.expect(200)["state"] == "paused"
        {
            self.desk.admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
        }
        let expire = "update crm_mirrors set leased_until = null where leased_until is not null";
        self.desk.app.sql(expire).await.unwrap();
        self.desk.app.sql("update crm_connections set trial_until = null").await.unwrap();
    }

    /// The CRM recovers, time passes, and everything is compared as the daily reconcile does.
    async fn come_to_rest(&self) -> Result<(), String> {
        self.desk.clear_faults();
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
        let cases = self.desk.cases();
        let ours: Vec<_> =
            cases.iter().filter(|case| case.value(self.words.number) == number).collect();
        let [case] = ours.as_slice() else {
            return Err(format!("{} cases for one ticket", ours.len()));
        };
        let conflicts = self.desk.conflicts(&self.ticket).await;
        for field in Field::ALL {
            let desk = self.in_crm_words(field, &ticket);
            let crm = case.value(self.words.attribute(field));
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
            // Who saved a case may have chosen what the mirror had sent, as far as it can tell.
            let excused = |c: &Value| c["policy"] == "unheard" && self.edits.case_saved;
            let mut of_field = conflicts.iter().filter(|c| c["field"] == field.name());
            if let Some(made_up) = of_field.find(|c| !excused(c)) {
                return Err(format!("nobody edited {field:?} in the CRM: {made_up}"));
            }
        }
        let name = case.value(self.words.subject);
        if name != text(&ticket["subject"]) {
            return Err(format!("the case is called {name:?}"));
        }
        self.compare_notes(&case.id).await
    }

    /// Each note is on each side once.
    async fn compare_notes(&self, case: &str) -> Result<(), String> {
        let path = format!("/v1/tickets/{}/notes?limit=100", self.ticket);
        let page = self.desk.admin.get(&path).await.expect(200);
        let here: Vec<String> =
            page["items"].as_array().unwrap().iter().map(|note| text(&note["body"])).collect();
        let there = self.desk.notes_of(case);
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
                let mut words = self.words.priorities.iter();
                let word = words.find(|(priority, _)| ticket["priority"] == *priority);
                word.unwrap().1.to_owned()
            }
            Field::Assignee => {
                let agent = ticket["assignee_id"].as_str();
                agent.map(|id| self.desk.user(&self.desk.name(id))).unwrap_or_default()
            }
            Field::Product => {
                ticket["product_id"].as_str().map(|id| self.desk.name(id)).unwrap_or_default()
            }
        }
    }

    /// The ticket's case, if there is one yet.
    async fn case(&self) -> Option<Case> {
        let path = format!("/v1/tickets/{}/mirror", self.ticket);
        let mirrors = self.desk.admin.get(&path).await.expect(200);
        let id = mirrors["items"][0]["remote_id"].as_str()?;
        self.desk.cases().into_iter().find(|case| case.id == id)
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
