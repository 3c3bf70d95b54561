//! What the running program does by itself.
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Database, Process, path};

/// The ticket as soon as it is as expected; a few seconds are enough.
async fn eventually(caller: &Client, ticket: &Value, expected: impl Fn(&Value) -> bool) -> Value {
    let mut now = Value::Null;
    for _ in 0..100 {
        now = caller.get(&path(ticket, "")).await.expect(200);
        if expected(&now) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("still {now}");
}

async fn items(caller: &Client, list: &str) -> Vec<Value> {
    caller.get(list).await.expect(200)["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn submitted_tickets_become_new_and_waiting_ones_are_given_out() {
    let database = Database::create().await;
    let process = Process::serve(&database, &[]).await;
    let (admin, contact) = (process.client("admin"), process.client("contact"));
    let set_away = async |away: bool| {
        for agent in items(&admin, "/v1/agents").await {
            let at = format!("/v1/agents/{}/availability", agent["id"].as_str().unwrap());
            admin.put(&at, json!({"away": away})).await.expect(200);
        }
    };
    set_away(true).await;
    let product = items(&admin, "/v1/products").await.remove(0);
    let new = json!({"subject": "Login", "description": "It fails.", "product_id": product["id"]});
    let ticket = contact.post("/v1/tickets", new).await.expect(201);
    let received = eventually(&admin, &ticket, |now| now["status"]["code"] == "012").await;
    assert_eq!(received["assignee_id"], Value::Null);
    set_away(false).await;
    eventually(&admin, &ticket, |now| now["assignee_id"].is_string()).await;
}
