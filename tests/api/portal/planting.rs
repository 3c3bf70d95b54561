//! Everything that a customer can have at the desk.
use serde_json::{Value, json};

use super::{CARD, MARK};
use crate::support::{Client, TestApp, path};

pub struct Desk<'a> {
    app: &'a TestApp,
    coordinator: Client,
    /// The customer.
    pub owner: Client,
    text: String,
}

impl<'a> Desk<'a> {
    pub async fn of(app: &'a TestApp) -> Self {
        let coordinator = app.agent("Coordinator").await;
        let owner = app.contact("Purchasing contact").await;
        Self { app, coordinator, owner, text: format!("About {MARK}") }
    }

    pub fn texts(&self) -> Value {
        json!({"subject": self.text, "description": self.text})
    }

    async fn post(&self, on: &Value, rest: &str, body: Value) -> Value {
        let reply = self.coordinator.post_on(&path(on, rest), "*", body).await;
        assert!((200..300).contains(&reply.status), "{rest}: {}", reply.body);
        reply.body
    }

    /// A ticket that was worked on, and a note on it.
    pub async fn ticket(&self) -> (Value, Value) {
        let text = &self.text;
        let new = json!({"subject": text, "description": format!("{text}. Card {CARD}"), "tags": [MARK],
            "external_id": MARK, "deadline": "2030-05-05T09:00:00Z"});
        let ticket = self.app.open_ticket(new).await;
        let ticket = self.app.advance_to(&ticket, "030").await;
        let note = self.post(&ticket, "/notes", json!({"body": text})).await;
        let internal = json!({"body": text, "visibility": "internal"});
        self.post(&ticket, "/notes", internal).await;
        let file = json!({"name": MARK, "url": format!("https://files.example/{MARK}")});
        self.post(&ticket, "/attachments", file).await;
        self.owner.post(&path(&ticket, "/notes"), json!({"body": text})).await.expect(201);
        let card = json!({"field": "description", "text": CARD, "reason": text});
        self.post(&ticket, "/redactions", card).await;
        self.post(&ticket, "/triage", json!({"severity": 1, "impact": 1})).await;
        let up = json!({"to": "L2", "reason": text, "tried": text});
        self.post(&ticket, "/elevations", up).await;
        (ticket, note)
    }

    /// A child that follows a process outside the desk, its link, a ticket that was merged, and one that became a job.
    pub async fn related(&self, ticket: &Value) -> [Value; 4] {
        let open = async || self.app.open_ticket(self.texts()).await;
        let (child, merged, job) = (open().await, open().await, open().await);
        let parent = json!({"kind": "child_of", "ticket_id": ticket["id"]});
        let link = self.post(&child, "/links", parent).await;
        self.post(&merged, "/merge", json!({"into": ticket["id"]})).await;
        let order = json!({"to": "job", "title": self.text, "reference": MARK});
        self.post(&job, "/conversion", order).await;
        let call = json!({"steps": [{"do": "call them", "check": "person"}]});
        let admin = self.app.agent("Administrator").await;
        admin.patch("/v1/processes/account_manager", "*", call).await.expect(200);
        let component = json!({"component_id": self.app.id("components", "Managed Upgrade").await});
        self.coordinator.patch(&path(&child, ""), "*", component).await.expect(200);
        let done = json!({"done": true, "reference": self.text});
        self.post(&child, "/process/steps/1", done).await;
        [child, link, merged, job]
    }

    /// What somebody outside is asked about it.
    pub async fn side_conversation(&self, ticket: &Value) -> Value {
        let new = json!({"to": {"email": "vera@vendor.example"}, "subject": self.text,
            "body": self.text, "ticket_summary": true});
        self.post(ticket, "/side-conversations", new).await
    }

    /// Somebody watches, an agent has an appointment, and is late; so is the ticket.
    pub async fn appointment(&self, ticket: &Value) -> Value {
        for (table, name) in [("contacts", "Purchasing contact"), ("agents", "L1 agent B")] {
            let watcher = self.app.id(table, name).await;
            let at = path(ticket, &format!("/watchers/{watcher}"));
            self.coordinator.put(&at, json!({})).await.expect(200);
        }
        let hour = json!({"starts_at": "2030-05-06T09:00:00Z", "ends_at": "2030-05-06T10:00:00Z",
            "note": self.text});
        let appointment = self.post(ticket, "/schedule", hour).await;
        let later = json!({"deadline": "2030-05-06T09:00:00Z", "message": self.text});
        self.post(ticket, "/delay", later).await;
        for now in ["2030-05-06T08:45:00Z", "2030-05-06T09:30:00Z"] {
            let now = now.parse().unwrap();
            let sweep = move |conn: &mut _| casebridge::schedule::service::sweep(conn, now);
            while self.app.service.db.tx(sweep).await.unwrap() {}
        }
        appointment
    }

    /// What somebody worked on it.
    pub async fn time(&self, ticket: &Value) -> Value {
        let entry = json!({"minutes": 45, "chargeable": true, "note": self.text});
        self.post(ticket, "/timer", json!({"note": self.text})).await;
        self.post(ticket, "/time-entries", entry).await
    }

    /// The customer's own view, and one of the department.
    pub async fn views(&self, ticket: &Value) -> [Value; 2] {
        let view = json!({"name": MARK, "filters": {"q": MARK}});
        let own = self.owner.post("/v1/views", view.clone()).await.expect(201);
        let mut shared = view;
        shared["audience"] = json!("department");
        shared["department_id"] = ticket["department_id"].clone();
        [own, self.coordinator.post("/v1/views", shared).await.expect(201)]
    }
}
