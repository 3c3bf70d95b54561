//! What happens arrives at those who asked for it: signed, once, in order.
use std::collections::BTreeMap;
use std::sync::Arc;

use casebridge::kernel::Role;
use casebridge::webhooks::Webhooks;
use chrono::{TimeDelta, Utc};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{desk, hook, reply, time};
use crate::support::receiver::{Answer, Message, Receiver};

/// Whether this secret signed the message.
fn is_signed_with(message: &Message, secret: &Value) -> bool {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let name = HeaderName::from_static(name);
        headers.insert(name.clone(), message.header(name.as_str()).parse().unwrap());
    }
    let webhook = Webhook::new(secret.as_str().unwrap()).unwrap();
    webhook.verify(message.text.as_bytes(), &headers).is_ok()
}

#[actix_web::test]
async fn an_event_arrives_signed_as_the_feed_shows_it_and_not_what_was_before() {
    let app = desk().await;
    app.open_ticket(json!({"subject": "Before"})).await;
    let receiver = Receiver::start().await;
    let webhook = app.webhook(&receiver, json!({})).await;
    let ticket = app.open_ticket(json!({"subject": "Behind"})).await;
    app.deliver().await;
    let received = receiver.received();
    let admin = app.client(Role::Admin).await;
    let feed = format!("/v1/events?ticket={}", ticket["id"].as_str().unwrap());
    let events = admin.get(&feed).await.expect(200)["items"].as_array().unwrap().clone();
    assert_eq!(received.len(), events.len());
    for (message, event) in received.iter().zip(&events) {
        assert!(is_signed_with(message, &webhook["secret"]));
        assert!(!is_signed_with(message, &json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")));
        assert_eq!(message.header("content-type"), "application/json");
        let sent = json!({"type": event["type"], "timestamp": event["occurred_at"], "data": event});
        assert_eq!(message.body, sent);
    }
    assert_eq!(received[0].body["type"], "ticket.opened");
    let deliveries = app.deliveries(&webhook).await;
    let last = deliveries.last().unwrap();
    assert_eq!((&last["state"], &last["attempts"]), (&json!("delivered"), &json!(1)));
    assert_eq!(last["message_id"], received[0].id());
    assert_eq!(last["message"], received[0].body);
    assert_eq!(last["log"][0]["status"], 204);
    // Nothing is sent twice.
    app.deliver().await;
    assert_eq!(receiver.count(), events.len());
}

#[actix_web::test]
async fn only_what_was_asked_for_is_sent() {
    let app = desk().await;
    let receivers = [
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    ];
    let [by_type, everything, by_account, by_department] = &receivers;
    app.webhook(by_type, json!({"types": ["ticket.note_added", "resource.*"]})).await;
    app.webhook(everything, json!({"types": []})).await;
    let admin = app.client(Role::Admin).await;
    let other = admin.post("/v1/accounts", json!({"name": "Elsewhere"})).await.expect(201);
    app.webhook(by_account, json!({"types": [], "account_ids": [other["id"]]})).await;
    let department = app.id("departments", "Internal IT").await;
    app.webhook(by_department, json!({"types": [], "department_ids": [department]})).await;
    let (one, two) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let moved = format!(
        "update tickets set account_id = '{}', product_id = null, category_id = (select id from categories limit 1), contact_id = null
          where id = '{}'",
        other["id"].as_str().unwrap(),
        one["id"].as_str().unwrap(),
    );
    app.sql(moved).await.unwrap();
    app.move_elsewhere(&two).await;
    reply(&app.agent("Coordinator").await, &one, "Hello").await;
    app.deliver().await;
    assert!(by_type.types().contains(&"ticket.note_added".to_owned()));
    assert!(
        by_type
            .types()
            .iter()
            .all(|kind| kind == "ticket.note_added" || kind.starts_with("resource."))
    );
    let tickets = |receiver: &Receiver| {
        let mut of = receiver.received();
        of.retain(|message| message.body["data"]["ticket_id"] != Value::Null);
        let mut of: Vec<_> = of.iter().map(|m| m.body["data"]["ticket_id"].clone()).collect();
        of.dedup();
        of
    };
    assert_eq!(tickets(by_account), [one["id"].clone()]);
    assert_eq!(tickets(by_department), [two["id"].clone()]);
    assert!(by_department.types().iter().all(|kind| kind.starts_with("ticket.")));
    let kinds = everything.types();
    assert!(
        kinds.contains(&"resource.created".to_owned())
            && kinds.contains(&"ticket.opened".to_owned())
    );
}

#[actix_web::test]
async fn the_events_of_each_ticket_arrive_in_the_order_of_its_versions() {
    let app = desk().await;
    let receiver = Receiver::start().await;
    app.webhook(&receiver, json!({})).await;
    let coordinator = app.agent("Coordinator").await;
    let mut tickets = Vec::new();
    for _ in 0..5 {
        tickets.push(app.open_ticket(json!({})).await);
    }
    for turn in 0..6 {
        for ticket in &tickets {
            reply(&coordinator, ticket, &format!("Reply {turn}")).await;
        }
    }
    app.deliver().await;
    let mut versions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for message in receiver.received() {
        let data = &message.body["data"];
        let ticket = data["ticket_id"].as_str().unwrap().to_owned();
        versions.entry(ticket).or_default().push(data["ticket_version"].as_i64().unwrap());
    }
    assert_eq!(versions.len(), 5);
    for of_ticket in versions.values() {
        let dense: Vec<i64> = (1..=of_ticket.len() as i64).collect();
        assert_eq!(of_ticket, &dense);
        assert!(of_ticket.len() >= 7);
    }
}

#[actix_web::test]
async fn while_a_secret_is_renewed_both_sign_and_later_only_the_new_one() {
    let app = desk().await;
    let receiver = Receiver::start().await;
    let webhook = app.webhook(&receiver, json!({})).await;
    let admin = app.client(Role::Admin).await;
    let rotate = async |body: Value| {
        admin.post(&hook(&webhook, "/secret"), body).await.expect(200)["secret"].clone()
    };
    let ping = async || {
        admin.post(&hook(&webhook, "/ping"), json!({})).await.expect(201);
        app.deliver().await;
        receiver.received().pop().unwrap()
    };
    let (first, second) = (webhook["secret"].clone(), rotate(json!({"overlap_hours": 1})).await);
    assert_ne!(first, second);
    let message = ping().await;
    assert_eq!(message.header("webhook-signature").split(' ').count(), 2);
    assert!(is_signed_with(&message, &first) && is_signed_with(&message, &second));
    let until = time(&app.webhook_now(&webhook).await["previous_secret_until"]);
    assert!((until - Utc::now() - TimeDelta::hours(1)).abs() < TimeDelta::minutes(1));

    app.sql("update webhooks set previous_until = now() - interval '1 second'").await.unwrap();
    let message = ping().await;
    assert!(!is_signed_with(&message, &first) && is_signed_with(&message, &second));
    // What others know ends at once.
    let third = rotate(json!({"overlap_hours": 0})).await;
    let message = ping().await;
    assert!(!is_signed_with(&message, &second) && is_signed_with(&message, &third));
}

#[actix_web::test]
async fn a_test_is_sent_once_and_its_delivery_tells_how_it_ended() {
    let app = desk().await;
    let receiver = Receiver::scripted(|_, before| match before {
        0 => Answer::Full(200, "", "thank you"),
        _ => Answer::Full(500, "", "not today"),
    });
    let receiver = receiver.await;
    let webhook = app.webhook(&receiver, json!({})).await;
    let admin = app.client(Role::Admin).await;
    for (state, status, response) in [("delivered", 200, "thank you"), ("dead", 500, "not today")] {
        let made = admin.post(&hook(&webhook, "/ping"), json!({})).await;
        let location = made.header("location").to_owned();
        assert_eq!(made.expect(201)["state"], "queued");
        app.deliver().await;
        let now = admin.get(&location).await.expect(200);
        assert_eq!((&now["state"], &now["type"]), (&json!(state), &json!("webhook.test")));
        assert_eq!(now["log"][0]["status"], status);
        assert_eq!(now["log"][0]["response"], response);
    }
    app.deliver_after(TimeDelta::days(3)).await;
    assert_eq!(receiver.types(), ["webhook.test", "webhook.test"]);
    assert_eq!(receiver.received()[0].body["data"]["webhook_id"], webhook["id"]);
    admin.patch(&hook(&webhook, ""), "*", json!({"active": false})).await.expect(200);
    let off = admin.post(&hook(&webhook, "/ping"), json!({})).await;
    off.problem(409, "webhook_inactive");
}

#[actix_web::test]
async fn nothing_is_lost_while_a_webhook_is_off() {
    let app = desk().await;
    let receiver = Receiver::start().await;
    let webhook = app.webhook(&receiver, json!({"types": ["ticket.opened"]})).await;
    let admin = app.client(Role::Admin).await;
    admin.patch(&hook(&webhook, ""), "*", json!({"active": false})).await.expect(200);
    let ticket = app.open_ticket(json!({})).await;
    app.deliver().await;
    assert_eq!(receiver.count(), 0);
    admin.patch(&hook(&webhook, ""), "*", json!({"active": true})).await.expect(200);
    app.deliver().await;
    assert_eq!(receiver.received()[0].body["data"]["ticket_id"], ticket["id"]);
    assert_eq!(receiver.count(), 1);
}

#[actix_web::test]
async fn two_processes_send_each_message_once() {
    let app = desk().await;
    let receiver = Receiver::start().await;
    app.webhook(&receiver, json!({"types": ["ticket.note_added"]})).await;
    let key = Arc::new(app.service.config.secret_key().unwrap());
    let other = Webhooks::new(app.service.db.clone(), key, &app.service.config).unwrap();
    let ticket = app.open_ticket(json!({})).await;
    let coordinator = app.agent("Coordinator").await;
    for turn in 0..20 {
        reply(&coordinator, &ticket, &format!("Reply {turn}")).await;
    }
    app.publish().await;
    let sends = [&app.service.webhooks, &other].map(|webhooks| async move {
        for _ in 0..20 {
            let now = Utc::now();
            webhooks.feed_next(now).await.unwrap();
            webhooks.start_due(now).await.unwrap();
            webhooks.finished().await;
        }
    });
    futures_util::future::join_all(sends).await;
    let mut ids: Vec<String> = receiver.received().iter().map(|m| m.id().to_owned()).collect();
    assert_eq!(ids.len(), 20);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}
