//! What happens is sent to other programs.
mod failing;
mod guarding;
mod killed;
mod managing;
mod replaying;
mod sending;
mod verifying;

use casebridge::config::Config;
use casebridge::kernel::Role;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::receiver::Receiver;
use crate::support::{Client, TestApp};

/// Receivers of tests are on this machine.
fn inside(config: &mut Config) {
    config.webhook_networks = vec!["127.0.0.0/8".parse().unwrap()];
}

/// A desk whose webhooks may go to this machine.
async fn desk() -> TestApp {
    TestApp::start_with(inside).await
}

impl TestApp {
    /// Makes a webhook to this receiver; `more` is put over it.
    async fn webhook(&self, receiver: &Receiver, more: Value) -> Value {
        let admin = self.client(Role::Admin).await;
        // What happened before is no webhook's affair.
        self.publish().await;
        let mut new = json!({"name": "Receiver", "url": receiver.url(), "types": ["ticket.*"]});
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.post("/v1/webhooks", new).await.expect(201)
    }

    /// Publishes what was committed, and sends what is due now, once.
    async fn deliver(&self) {
        self.deliver_after(TimeDelta::zero()).await;
    }

    /// The same, as if so much time had passed.
    async fn deliver_after(&self, passed: TimeDelta) {
        self.publish().await;
        let now = Utc::now() + passed;
        while self.service.webhooks.feed_next(now).await.unwrap() {}
        self.service.webhooks.start_due(now).await.unwrap();
        self.service.webhooks.finished().await;
    }

    /// The webhook as it is now.
    async fn webhook_now(&self, webhook: &Value) -> Value {
        self.client(Role::Admin).await.get(&hook(webhook, "")).await.expect(200)
    }

    /// The webhook's deliveries with their logs, latest first.
    async fn deliveries(&self, webhook: &Value) -> Vec<Value> {
        let admin = self.client(Role::Admin).await;
        let page = admin.get(&hook(webhook, "/deliveries")).await.expect(200);
        let mut all = Vec::new();
        for delivery in page["items"].as_array().unwrap() {
            let path = format!("/v1/webhook-deliveries/{}", delivery["id"].as_str().unwrap());
            all.push(admin.get(&path).await.expect(200));
        }
        all
    }
}

/// `/v1/webhooks/<id><rest>`
fn hook(webhook: &Value, rest: &str) -> String {
    format!("/v1/webhooks/{}{rest}", webhook["id"].as_str().unwrap())
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// A reply to a ticket: one event.
async fn reply(client: &Client, ticket: &Value, text: &str) {
    let notes = crate::support::path(ticket, "/notes");
    client.post(&notes, json!({ "body": text })).await.expect(201);
}
