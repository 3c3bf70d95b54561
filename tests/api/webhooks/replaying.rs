//! What was sent is sent once more, under the same id.
use casebridge::kernel::Role;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{desk, hook, reply};
use crate::support::TestApp;
use crate::support::receiver::{Answer, Receiver};

async fn replay(app: &TestApp, webhook: &Value, body: Value) -> Value {
    let admin = app.client(Role::Admin).await;
    let job = admin.post(&hook(webhook, "/replay"), body).await.expect(202);
    app.run_jobs().await;
    let job = admin.get(&format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(job["state"], "succeeded", "{job}");
    app.deliver().await;
    job
}

#[actix_web::test]
async fn a_dead_delivery_is_sent_once_more_with_its_schedule_anew() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, before| match before {
        0..=1 => Answer::status(500),
        _ => Answer::status(200),
    });
    let receiver = receiver.await;
    let webhook = app.webhook(&receiver, json!({"types": ["ticket.opened"]})).await;
    app.open_ticket(json!({})).await;
    app.deliver().await;
    app.sql("update webhook_deliveries set failures = 9, due_at = now()").await.unwrap();
    app.deliver().await;
    let dead = app.deliveries(&webhook).await[0].clone();
    assert_eq!(dead["state"], "dead");
    let again = format!("/v1/webhook-deliveries/{}/replay", dead["id"].as_str().unwrap());
    let admin = app.client(Role::Admin).await;
    let queued = admin.post(&again, json!({})).await.expect(200);
    assert_eq!((&queued["state"], &queued["ended_at"]), (&json!("queued"), &Value::Null));
    app.deliver().await;
    let now = app.deliveries(&webhook).await[0].clone();
    assert_eq!((&now["state"], now["log"].as_array().unwrap().len()), (&json!("delivered"), 3));
    let ids: Vec<_> = receiver.received().iter().map(|m| m.id().to_owned()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]) && now["message_id"] == ids[0]);
}

#[actix_web::test]
async fn what_happened_since_a_time_is_sent_once_more_also_from_before_the_webhook() {
    let app = desk().await;
    let before = app.open_ticket(json!({})).await;
    let receiver = Receiver::start().await;
    let webhook = app.webhook(&receiver, json!({})).await;
    let behind = app.open_ticket(json!({})).await;
    reply(&app.agent("Coordinator").await, &behind, "Hello").await;
    app.deliver().await;
    let first = receiver.received();
    // Sorted: what is sent is in order for each ticket alone.
    let opened = |messages: &[crate::support::receiver::Message]| {
        let opened = messages.iter().filter(|m| m.body["type"] == "ticket.opened");
        let mut ids: Vec<_> = opened.map(|m| m.body["data"]["ticket_id"].clone()).collect();
        ids.sort_by_key(ToString::to_string);
        ids
    };
    assert_eq!(opened(&first), [behind["id"].clone()]);

    let job = replay(&app, &webhook, json!({"since": before["created_at"]})).await;
    let second = receiver.received()[first.len()..].to_vec();
    assert_eq!(opened(&second), [before["id"].clone(), behind["id"].clone()]);
    assert_eq!(job["progress"]["done"], second.len());
    for message in &first {
        let again = second.iter().find(|other| other.id() == message.id()).unwrap();
        assert_eq!(again.text, message.text);
    }

    let count = receiver.count();
    let narrow = json!({"since": before["created_at"], "types": ["ticket.note_added"]});
    replay(&app, &webhook, narrow).await;
    assert_eq!(receiver.types()[count..], ["ticket.note_added"]);
    let of_one = json!({"since": before["created_at"], "types": ["ticket.opened"], "ticket_id": before["id"]});
    replay(&app, &webhook, of_one).await;
    assert_eq!(opened(&receiver.received()[count + 1..]), [before["id"].clone()]);
    // A type that the webhook does not ask for, and a time in which nothing happened.
    let count = receiver.count();
    let other = json!({"since": before["created_at"], "types": ["resource.created"]});
    assert_eq!(replay(&app, &webhook, other).await["progress"]["done"], 0);
    let later = chrono::Utc::now() + TimeDelta::hours(1);
    assert_eq!(replay(&app, &webhook, json!({ "since": later })).await["progress"]["done"], 0);
    let never = json!({"since": before["created_at"], "until": "2000-01-01T00:00:00Z"});
    assert_eq!(replay(&app, &webhook, never).await["progress"]["done"], 0);
    assert_eq!(receiver.count(), count);
}

#[actix_web::test]
async fn the_same_replay_is_not_done_twice_at_a_time() {
    let app = desk().await;
    let receiver = Receiver::start().await;
    let webhook = app.webhook(&receiver, json!({})).await;
    let admin = app.client(Role::Admin).await;
    let since = json!({"since": "2026-01-01T00:00:00Z"});
    admin.post(&hook(&webhook, "/replay"), since.clone()).await.expect(202);
    admin.post(&hook(&webhook, "/replay"), since.clone()).await.problem(409, "job_active");
    admin.patch(&hook(&webhook, ""), "*", json!({"active": false})).await.expect(200);
    app.run_jobs().await;
    admin.post(&hook(&webhook, "/replay"), since).await.problem(409, "webhook_inactive");
}
