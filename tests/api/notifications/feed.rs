//! What somebody was told, as they read it.
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{feed, known_ticket, note, tell, unread};
use crate::support::{TestApp, path};

/// A ticket with so many replies of its customer, each told to its agent.
async fn with_replies(app: &TestApp, count: usize) -> Value {
    let ticket = known_ticket(app).await;
    let contact = app.contact("Purchasing contact").await;
    for number in 0..count {
        note(&contact, &ticket, "public", &format!("Reply {number}")).await;
    }
    tell(app).await;
    ticket
}

fn positions(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["position"].as_i64().unwrap()).collect()
}

#[actix_web::test]
async fn the_feed_is_read_in_pages_latest_first_and_back() {
    let app = TestApp::start().await;
    let ticket = with_replies(&app, 5).await;
    let agent = app.agent("L1 agent A").await;
    let all = feed(&agent, "").await;
    let order = positions(&all);
    assert_eq!(order.len(), 5);
    assert!(order.is_sorted_by(|a, b| a > b));
    let item = &all["items"][0];
    assert_eq!(item["kind"], "customer_replied");
    assert_eq!(item["event"], "ticket.note_added");
    assert_eq!(item["actor"], json!({"role": "contact", "name": "Purchasing contact"}));
    let about =
        json!({"id": ticket["id"], "number": ticket["number"], "subject": "The export stops"});
    assert_eq!((&item["ticket"], &item["read_at"]), (&about, &Value::Null));
    let first = feed(&agent, "?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = feed(&agent, &format!("?limit=2&cursor={next}")).await;
    assert_eq!([positions(&first), positions(&second)].concat(), order[..4]);
    let prev = second["prev"].as_str().unwrap();
    assert_eq!(positions(&feed(&agent, &format!("?limit=2&cursor={prev}")).await), order[..2]);
    agent
        .get(&format!("/v1/notifications?unread=true&cursor={next}"))
        .await
        .problem(400, "malformed_request");
}

#[actix_web::test]
async fn one_is_marked_as_read_and_then_all_up_to_a_point() {
    let app = TestApp::start().await;
    with_replies(&app, 4).await;
    let agent = app.agent("L1 agent A").await;
    assert_eq!(unread(&agent).await, 4);
    let all = feed(&agent, "").await;
    let id = |at: usize| all["items"][at]["id"].as_str().unwrap().to_owned();
    let read = format!("/v1/notifications/{}/read", id(3));
    let once = agent.post(&read, json!({})).await.expect(200);
    assert!(once["read_at"].is_string());
    assert_eq!(agent.post(&read, json!({})).await.expect(200), once);
    assert_eq!(unread(&agent).await, 3);
    // What has come since the second one was seen stays unread.
    let left = agent.post("/v1/notifications/read", json!({"up_to": id(1)})).await.expect(200);
    assert_eq!(left, json!({"count": 1, "more": false}));
    let open = feed(&agent, "?unread=true").await;
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
    assert_eq!(open["items"][0]["id"], json!(id(0)));
    assert_eq!(positions(&feed(&agent, "?unread=false").await).len(), 3);
}

#[actix_web::test]
async fn a_feed_is_its_owners_alone() {
    let app = TestApp::start().await;
    with_replies(&app, 1).await;
    let agent = app.agent("L1 agent A").await;
    let id = feed(&agent, "").await["items"][0]["id"].clone();
    for other in [app.agent("Administrator").await, app.contact("Warehouse contact").await] {
        assert_eq!(feed(&other, "").await["items"], json!([]));
        let read = format!("/v1/notifications/{}/read", id.as_str().unwrap());
        other.post(&read, json!({})).await.problem(404, "not_found");
        let all = other.post("/v1/notifications/read", json!({"up_to": id})).await;
        all.problem(422, "validation_failed");
    }
    assert_eq!(unread(&agent).await, 1);
    let client = app.integration(&[casebridge::kernel::Permission::TicketsRead]).await;
    let program =
        app.client_with(client, [casebridge::kernel::Permission::TicketsRead].into_iter());
    let refused = program.await.get("/v1/notifications").await;
    refused.problem(409, "not_a_person");
}

#[actix_web::test]
async fn the_feed_shows_only_tickets_that_one_still_sees_and_says_what_they_say_now() {
    let app = TestApp::start().await;
    let ticket = with_replies(&app, 2).await;
    let agent = app.agent("L1 agent A").await;
    let coordinator = app.agent("Coordinator").await;
    let redact = json!({"field": "subject", "text": "export", "reason": "A secret"});
    coordinator.post_on(&path(&ticket, "/redactions"), "*", redact).await.expect(201);
    let page = feed(&agent, "").await;
    assert_eq!(page["items"][0]["ticket"]["subject"], "The [redacted] stops");
    app.move_elsewhere(&ticket).await;
    assert_eq!((feed(&agent, "").await["items"].clone(), unread(&agent).await), (json!([]), 0));
    let read = format!("/v1/notifications/{}/read", page["items"][0]["id"].as_str().unwrap());
    agent.post(&read, json!({})).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_was_told_long_ago_is_forgotten_unless_its_mail_waits() {
    let app = TestApp::start().await;
    with_replies(&app, 3).await;
    let agent = app.agent("L1 agent A").await;
    let waits = "update notifications set mail_waits = position = (select max(position) from notifications)";
    app.sql(waits).await.unwrap();
    let forget_at = async |days: i64| {
        let notifier = app.service.notifier.clone();
        let now = Utc::now() + TimeDelta::days(days);
        let step = move |conn: &mut _| notifier.forget_old(conn, now);
        app.service.db.tx(step).await.unwrap()
    };
    assert!(!forget_at(89).await);
    assert_eq!(unread(&agent).await, 3);
    assert!(forget_at(91).await && !forget_at(91).await);
    assert_eq!(unread(&agent).await, 1);
}
