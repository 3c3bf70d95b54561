//! A desk that is connected to an EspoCRM which knows the same people and companies.
use casebridge::kernel::Role;
use chrono::{TimeDelta, Utc};
use fake_crm::espo::{Control, FakeEspo, Record};
use serde_json::{Value, json};

use super::CLERK;
use crate::support::mirror::{crm_id, text};
use crate::support::{Client, TestApp};

pub struct EspoDesk {
    pub app: TestApp,
    pub crm: FakeEspo,
    pub admin: Client,
    pub connection: String,
}

impl EspoDesk {
    pub async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// With these settings beside the custom fields.
    pub async fn start_with(mut settings: Value) -> Self {
        let crm = FakeEspo::start().await.unwrap();
        let app = TestApp::start().await;
        let admin = app.client(Role::Admin).await;
        for path in ["agents", "accounts", "contacts"] {
            let page = admin.get(&format!("/v1/{path}?limit=100")).await.expect(200);
            for item in page["items"].as_array().unwrap() {
                populate(&crm, path, item);
            }
        }
        let clerk = json!({"id": CLERK, "userName": "clerk", "lastName": "Sales clerk"});
        crm.create("User", clerk).unwrap();
        settings["fields"] =
            json!({"product": "cProduct", "number": "cTicketNumber", "link": "cTicketUrl"});
        let new = json!({
            "name": "EspoCRM", "kind": "espocrm", "base_url": crm.url(),
            "client_secret": crm.api_key(), "settings": settings,
        });
        let made = admin.post("/v1/crm/connections", new).await.expect(201);
        let connection = text(&made["id"]);
        Self { app, crm, admin, connection }
    }

    /// Opens a ticket of Northwind Services; returns its id.
    pub async fn open(&self, subject: &str) -> String {
        let new = json!({
            "subject": subject, "description": "It stops after <b>100</b> rows.", "priority": "normal",
            "account_id": self.app.id("accounts", "Northwind Services").await,
            "contact_id": self.app.id("contacts", "Purchasing contact").await,
            "product_id": self.app.id("products", "CoreTrac").await,
        });
        let ticket = self.admin.post("/v1/tickets", new).await.expect(201);
        self.app.follow_automatic().await;
        text(&ticket["id"])
    }

    pub async fn ticket(&self, id: &str) -> Value {
        self.admin.get(&format!("/v1/tickets/{id}")).await.expect(200)
    }

    pub async fn priority(&self, ticket: &str, priority: &str) {
        let change = json!({ "priority": priority });
        self.admin.patch(&format!("/v1/tickets/{ticket}"), "*", change).await.expect(200);
    }

    pub async fn note(&self, ticket: &str, visibility: &str, body: &str) {
        let new = json!({ "visibility": visibility, "body": body });
        self.admin.post(&format!("/v1/tickets/{ticket}/notes"), new).await.expect(201);
    }

    pub async fn notes(&self, ticket: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// Publishes and mirrors until nothing is due.
    pub async fn converge(&self) {
        for _ in 0..50 {
            self.app.publish().await;
            if !self.app.service.mirror.converge_due(Utc::now()).await.unwrap() {
                return;
            }
        }
        panic!("the mirror does not come to rest");
    }

    /// Looks for changes in the CRM now, and mirrors them.
    pub async fn pull(&self) {
        self.app.sql("update crm_connections set poll_at = now()").await.unwrap();
        assert!(self.app.service.mirror.poll_due(Utc::now()).await.unwrap());
        self.converge().await;
    }

    /// Makes due what waits for its next attempt.
    pub async fn wait(&self) {
        self.app.sql("update crm_mirrors set next_attempt_at = now()").await.unwrap();
    }

    /// Compares everything.
    pub async fn reconcile(&self) {
        let path = format!("/v1/crm/connections/{}/reconcile", self.connection);
        self.admin.post(&path, json!({"mode": "repair"})).await.expect(202);
        self.app.run_jobs().await;
        self.converge().await;
    }

    /// What somebody did in the CRM a little while ago: the mirror stays behind its clock.
    pub fn in_the_crm<T>(&self, act: impl FnOnce(&Control) -> T) -> T {
        self.crm.set_clock_offset(TimeDelta::seconds(-10));
        let done = act(&self.crm);
        self.crm.set_clock_offset(TimeDelta::zero());
        done
    }

    /// The clerk changes the ticket's case.
    pub async fn edit(&self, ticket: &str, attributes: Value) {
        let case = self.case(ticket).await.id;
        self.in_the_crm(|crm| crm.edit("Case", &case, attributes, CLERK).unwrap());
    }

    /// How the mirror of the ticket stands.
    pub async fn mirror(&self, ticket: &str) -> Value {
        let found = self.admin.get(&format!("/v1/tickets/{ticket}/mirror")).await.expect(200);
        found["items"][0].clone()
    }

    /// The case of the ticket as the CRM stores it.
    pub async fn case(&self, ticket: &str) -> Record {
        let mirror = self.mirror(ticket).await;
        let id = mirror["remote_id"].as_str().unwrap_or_else(|| panic!("no case: {mirror}"));
        self.crm.record("Case", id).unwrap()
    }

    pub async fn conflicts(&self, ticket: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("/v1/crm/conflicts?ticket={ticket}")).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }
}

/// The CRM knows everybody and everything that the desk knows, under ids of its own.
fn populate(crm: &FakeEspo, path: &str, item: &Value) {
    let (name, email) = (text(&item["name"]), item["email"].clone());
    let id = crm_id(&name);
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", &name));
    let (entity, attributes) = match path {
        "agents" => {
            ("User", json!({"id": id, "userName": name, "lastName": name, "emailAddress": email}))
        }
        "accounts" => ("Account", json!({"id": id, "name": name})),
        _ => {
            let person =
                json!({"id": id, "firstName": first, "lastName": last, "emailAddress": email});
            ("Contact", person)
        }
    };
    crm.create(entity, attributes).unwrap();
}
