//! The push/pull protocol: an integration that writes a CRM which the service never calls.
mod deciding;
mod linking;
mod people;
mod pulling;
mod pushing;
mod redacting;

use casebridge::kernel::{Permission, Role};
use chrono::Utc;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mirror::text;
use crate::support::{Client, Reply, TestApp};

/// A desk whose cases an integration writes.
struct Integrated {
    app: TestApp,
    admin: Client,
    /// May do nothing but `crm:sync`.
    integration: Client,
    connection: String,
}

impl Integrated {
    async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    async fn start_with(settings: Value) -> Self {
        let app = TestApp::start().await;
        let admin = app.client(Role::Admin).await;
        let new = json!({
            "name": "Home-grown CRM", "kind": "integration", "base_url": "https://crm.example",
            "settings": settings,
        });
        let made = admin.post("/v1/crm/connections", new).await.expect(201);
        let connection = text(&made["id"]);
        let client = app.integration(&[Permission::CrmSync]).await;
        let integration = app.client_with(client, [Permission::CrmSync].into_iter()).await;
        let desk = Self { app, admin, integration, connection };
        for kind in ["account", "agent"] {
            desk.link_all(kind).await;
        }
        desk
    }

    /// Links every account or agent to a record of the same name.
    async fn link_all(&self, kind: &str) {
        let page = self.admin.get(&format!("/v1/{kind}s?limit=100")).await.expect(200);
        let pair = |item: &Value| json!({"local_id": item["id"], "remote_id": item["name"]});
        let items: Vec<Value> = page["items"].as_array().unwrap().iter().map(pair).collect();
        let path = format!("/v1/crm/connections/{}/maps/{kind}", self.connection);
        self.admin.put(&path, json!({ "items": items })).await.expect(200);
    }

    /// Opens a ticket that somebody is assigned to; returns its id.
    async fn open(&self, subject: &str) -> String {
        let ticket = self.app.open_ticket(json!({ "subject": subject })).await;
        self.app.follow_automatic().await;
        self.app.publish().await;
        text(&ticket["id"])
    }

    async fn ticket(&self, id: &str) -> Value {
        self.admin.get(&format!("/v1/tickets/{id}")).await.expect(200)
    }

    async fn priority(&self, ticket: &str, priority: &str) {
        let change = json!({ "priority": priority });
        self.admin.patch(&format!("/v1/tickets/{ticket}"), "*", change).await.expect(200);
        self.app.publish().await;
    }

    /// The page of cases behind a position.
    async fn pull(&self, after: i64, more: &str) -> Value {
        let path = format!("/v1/crm/changes?connection={}&after={after}{more}", self.connection);
        self.integration.get(&path).await.expect(200)
    }

    /// The case of the ticket as the integration is told to have it.
    async fn case(&self, ticket: &str) -> Value {
        let page = self.pull(0, "&limit=100").await;
        let items = page["items"].as_array().unwrap();
        items.iter().find(|item| item["ticket_id"] == ticket).unwrap().clone()
    }

    async fn push(&self, changes: Value) -> Reply {
        let body = json!({"connection": self.connection, "changes": changes});
        self.integration.post("/v1/crm/changes", body).await
    }

    /// The outcome of one change of the ticket's case.
    async fn tell(&self, change_id: &str, ticket: &str, mut change: Value) -> Value {
        change["change_id"] = json!(change_id);
        change["ticket_id"] = json!(ticket);
        let page = self.push(json!([change])).await.expect(207);
        page["items"][0].clone()
    }

    /// The integration has made the case and tells all that it shows.
    async fn made(&self, ticket: &str, case: &str) {
        self.link(ticket, case).await.expect(200);
        let fields = self.case(ticket).await["fields"].clone();
        let outcome = self.tell(&format!("made {case}"), ticket, json!({ "fields": fields })).await;
        assert_eq!(outcome["outcome"], "unchanged", "{outcome}");
    }

    async fn link(&self, ticket: &str, case: &str) -> Reply {
        let body = json!({"connection": self.connection, "case_id": case});
        let path = format!("/v1/crm/links/{ticket}");
        Reply::of(self.integration.request(Method::PUT, &path).json(&body)).await
    }

    async fn health(&self) -> Value {
        let path = format!("/v1/crm/connections/{}/health", self.connection);
        self.admin.get(&path).await.expect(200)
    }

    async fn conflicts(&self, ticket: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("/v1/crm/conflicts?ticket={ticket}")).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// The bodies of the ticket's notes.
    async fn notes(&self, ticket: &str) -> Vec<String> {
        let page = self.admin.get(&format!("/v1/tickets/{ticket}/notes")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|note| text(&note["body"])).collect()
    }
}

#[actix_web::test]
async fn the_engine_leaves_the_mirrors_of_an_integration_alone() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Not ours").await;
    let engine = &desk.app.service.mirror;
    assert!(!engine.converge_due(Utc::now()).await.unwrap());
    assert!(!engine.poll_due(Utc::now()).await.unwrap());
    let mirror = desk.admin.get(&format!("/v1/tickets/{ticket}/mirror")).await.expect(200);
    assert_eq!(mirror["items"][0]["state"], "pending");
    assert_eq!(mirror["items"][0]["attempts"], 0);
}

#[actix_web::test]
async fn an_integration_needs_no_credentials_and_every_other_kind_does() {
    let desk = Integrated::start().await;
    let new = json!({"name": "Bare", "base_url": "https://crm.example", "client_id": "x"});
    let refused = desk.admin.post("/v1/crm/connections", new).await;
    let problem = refused.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/client_secret");
    let path = format!("/v1/crm/connections/{}/hooks", desk.connection);
    let hook = json!({"scheme": "standard", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    let put = desk.admin.request(Method::PUT, &path).header("if-match", "*").json(&hook);
    Reply::of(put).await.problem(409, "no_adapter");
}

#[actix_web::test]
async fn the_backlog_of_an_integration_is_what_it_has_not_confirmed() {
    let desk = Integrated::start().await;
    let ticket = desk.open("Counted").await;
    assert_eq!(desk.health().await["backlog"], 1);
    desk.made(&ticket, "c-1").await;
    assert_eq!(desk.health().await["backlog"], 0);
    desk.priority(&ticket, "high").await;
    assert_eq!(desk.health().await["backlog"], 1);
    desk.tell("echo", &ticket, json!({"fields": {"priority": "high"}})).await;
    assert_eq!(desk.health().await["backlog"], 0);
}

#[actix_web::test]
async fn what_would_call_the_crm_of_an_integration_is_refused() {
    let desk = Integrated::start().await;
    let path = |what: &str| format!("/v1/crm/connections/{}/{what}", desk.connection);
    for what in ["reconcile", "import", "probe"] {
        desk.admin.post(&path(what), json!({})).await.problem(409, "no_adapter");
    }
}
