//! A desk that is connected to a CRM which knows the same people and companies.
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use casebridge::crm::Engine;
use casebridge::kernel::Role;
use chrono::{TimeDelta, Utc};
use diesel::RunQueryDsl as _;
use fake_crm::{Control, FakeCrm, Record};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, TestApp};

/// Somebody who works in the CRM and is no agent of the desk.
pub const CLERK: &str = "0c1e4b52-6f0a-4c52-9d3b-8f6a1b2c3d4e";

/// A desk with a connection to a CRM.
pub struct Desk {
    pub app: TestApp,
    pub admin: Client,
    pub connection: String,
    /// The desk's ids by name: agents, accounts, contacts, products.
    ids: BTreeMap<String, String>,
}

/// A desk that is connected to a SuiteCRM.
pub struct Mirrored {
    desk: Desk,
    pub crm: FakeCrm,
}

impl Deref for Mirrored {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl DerefMut for Mirrored {
    fn deref_mut(&mut self) -> &mut Desk {
        &mut self.desk
    }
}

impl Mirrored {
    pub async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// With these settings beside the custom fields.
    pub async fn start_with(settings: Value) -> Self {
        Self::start_on(FakeCrm::start().await.unwrap(), settings).await
    }

    /// With this CRM.
    pub async fn start_on(crm: FakeCrm, mut settings: Value) -> Self {
        crm.create("Users", json!({"id": CLERK, "user_name": "clerk", "last_name": "Sales clerk"}))
            .unwrap();
        settings["fields"] =
            json!({"product": "product_c", "number": "ticket_number_c", "link": "ticket_id_c"});
        let new = json!({
            "name": "SuiteCRM", "base_url": crm.url(), "client_id": crm.client_id(),
            "client_secret": crm.client_secret(), "settings": settings,
        });
        let desk = Desk::connect(new, |path, item| populate(&crm, path, item)).await;
        crm.clear_calls();
        Self { desk, crm }
    }

    /// Connects another CRM, which knows the same; returns the id of the connection.
    pub async fn connect_another(&self, crm: &FakeCrm) -> String {
        for path in ["agents", "accounts", "contacts", "products"] {
            let page = self.admin.get(&format!("/v1/{path}?limit=100")).await.expect(200);
            page["items"].as_array().unwrap().iter().for_each(|item| populate(crm, path, item));
        }
        let new = json!({
            "name": "Another", "base_url": crm.url(), "client_id": crm.client_id(),
            "client_secret": crm.client_secret(),
        });
        text(&self.admin.post("/v1/crm/connections", new).await.expect(201)["id"])
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
        self.in_the_crm(|crm| crm.edit("Cases", &case, attributes, CLERK).unwrap());
    }

    /// The case of the ticket as the CRM stores it.
    pub async fn case(&self, ticket: &str) -> Record {
        self.crm.record("Cases", &self.case_id(ticket).await).unwrap()
    }

    /// The notes on a case.
    pub fn notes(&self, case: &str) -> Vec<Record> {
        let notes = self.crm.records("Notes");
        notes.into_iter().filter(|note| note.value("parent_id") == case).collect()
    }
}

impl Desk {
    /// The CRM knows what `populate` makes of the desk's people and things, which it is given with the path of their list.
    /// Its administrator connects it with the body `new`.
    pub async fn connect(new: Value, mut populate: impl FnMut(&str, &Value)) -> Self {
        let app = TestApp::start().await;
        let admin = app.client(Role::Admin).await;
        let mut ids = BTreeMap::new();
        for path in ["agents", "accounts", "contacts", "products"] {
            let page = admin.get(&format!("/v1/{path}?limit=100")).await.expect(200);
            for item in page["items"].as_array().unwrap() {
                populate(path, item);
                ids.insert(text(&item["name"]), text(&item["id"]));
            }
        }
        let made = admin.post("/v1/crm/connections", new).await.expect(201);
        let connection = text(&made["id"]);
        Self { app, admin, connection, ids }
    }

    /// The mirror of another process on the same database.
    pub fn another_engine(&self) -> Engine {
        let service = &self.app.service;
        let secret = Arc::new(service.config.secret_key().unwrap());
        Engine::new(service.db.clone(), secret, self.app.url.clone())
    }

    /// The desk's id of what has this name.
    pub fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// The name of what has this id at the desk.
    pub fn name(&self, id: &str) -> String {
        self.ids.iter().find(|(_, known)| *known == id).unwrap().0.clone()
    }

    /// Opens a ticket of Northwind Services in the name of its contact; it has an agent afterwards.
    pub async fn open(&self, subject: &str) -> String {
        let new = json!({
            "subject": subject, "description": "It stops after <b>100</b> rows.", "priority": "normal",
            "account_id": self.id("Northwind Services"), "contact_id": self.id("Purchasing contact"),
            "product_id": self.id("CoreTrac"), "url": "https://app.example/exports/7",
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

    /// Publishes and mirrors until nothing is due.
    pub async fn converge(&self) {
        self.app.run_jobs().await;
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
        self.sql("update crm_connections set poll_at = now()").await;
        assert!(self.app.service.mirror.poll_due(Utc::now()).await.unwrap());
        self.converge().await;
    }

    /// Compares everything; returns the job when it has ended.
    pub async fn reconcile(&self, body: Value) -> Value {
        let path = format!("/v1/crm/connections/{}/reconcile", self.connection);
        let started = self.admin.post(&path, body).await.expect(202);
        self.app.run_jobs().await;
        self.admin.get(&format!("/v1/jobs/{}", text(&started["id"]))).await.expect(200)
    }

    /// What a comparison came upon.
    pub async fn differences(&self, job: &Value) -> Vec<Value> {
        let path = format!("/v1/crm/reconciliations/{}/differences?limit=100", text(&job["id"]));
        self.admin.get(&path).await.expect(200)["items"].as_array().unwrap().clone()
    }

    /// Makes due what waits for its next attempt, or for the end of an outage.
    pub async fn wait(&self) {
        self.sql("update crm_mirrors set next_attempt_at = now()").await;
        self.sql("update crm_connections set not_before = null").await;
    }

    pub async fn sql(&self, sql: &'static str) {
        let done = self.app.service.db.tx(move |conn| Ok(diesel::sql_query(sql).execute(conn)?));
        done.await.unwrap();
    }

    /// How the mirror of the ticket stands.
    pub async fn mirror(&self, ticket: &str) -> Value {
        let found = self.admin.get(&format!("/v1/tickets/{ticket}/mirror")).await.expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
        found["items"][0].clone()
    }

    /// The id of the ticket's case.
    pub async fn case_id(&self, ticket: &str) -> String {
        let mirror = self.mirror(ticket).await;
        mirror["remote_id"].as_str().unwrap_or_else(|| panic!("no case: {mirror}")).to_owned()
    }

    pub async fn conflicts(&self, ticket: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("/v1/crm/conflicts?ticket={ticket}")).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// A field of the ticket's mirror.
    pub async fn field(&self, ticket: &str, name: &str) -> Value {
        let mirror = self.mirror(ticket).await;
        let mut fields = mirror["fields"].as_array().unwrap().iter();
        fields.find(|field| field["field"] == name).unwrap().clone()
    }

    /// The published events of a type, oldest first.
    pub async fn events(&self, kind: &str) -> Vec<Value> {
        let page =
            self.admin.get(&format!("/v1/events?after=0&types={kind}&limit=100")).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    pub async fn health(&self) -> Value {
        self.admin.get(&format!("/v1/crm/connections/{}/health", self.connection)).await.expect(200)
    }

    pub async fn retry(&self, body: Value) {
        let path = format!("/v1/crm/connections/{}/parked/retry", self.connection);
        self.admin.post(&path, body).await.expect(202);
    }
}

/// The CRM's id of what has this name at the desk: as every id there, it looks like a UUID.
pub fn crm_id(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

/// The CRM knows everybody and everything that the desk knows, under ids of its own.
fn populate(crm: &FakeCrm, path: &str, item: &Value) {
    let (name, email) = (text(&item["name"]), item["email"].clone());
    let id = crm_id(&name);
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", &name));
    match path {
        "agents" => crm.create(
            "Users",
            json!({"id": id, "user_name": name, "last_name": name, "email1": email}),
        ),
        "accounts" => crm.create("Accounts", json!({"id": id, "name": name})),
        "contacts" => {
            let person = json!({"id": id, "first_name": first, "last_name": last, "email1": email});
            crm.create("Contacts", person)
        }
        _ => return,
    }
    .unwrap();
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text")).to_owned()
}
