//! A listener hears what they may see, as long as they may.
use casebridge::kernel::Role;
use serde_json::json;

use super::Listener;
use crate::support::{TestApp, path};

#[actix_web::test]
async fn agents_hear_of_their_departments_tickets_only_and_contacts_nothing() {
    let app = TestApp::start().await;
    app.publish().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.publish().await;
    let query = format!("?after=0&ticket={}", ticket["id"].as_str().unwrap());
    let mut sees = Listener::start(&app.agent("L2 agent A").await, &query, None).await;
    let mut does_not = Listener::start(&app.agent("Business analyst A").await, &query, None).await;
    assert_eq!(sees.event().await.data["type"], "ticket.opened");
    does_not.next().await.unwrap();
    assert!(does_not.is_silent().await);
    let note = json!({"body": "We are on it."});
    coordinator.post(&path(&ticket, "/notes"), note).await.expect(201);
    app.publish().await;
    loop {
        if sees.event().await.data["type"] == "ticket.note_added" {
            break;
        }
    }
    assert!(does_not.is_silent().await);
    app.client(Role::Contact).await.get("/v1/events/stream").await.problem(403, "forbidden");
    app.anonymous().get("/v1/events/stream").await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn who_is_deactivated_hears_nothing_more() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    app.publish().await;
    let agent = app.agent("L2 agent A").await;
    let mut listener = Listener::start(&agent, "", None).await;
    listener.next().await.unwrap();
    app.sql("update agents set active = false where name = 'L2 agent A'").await.unwrap();
    // What is known of a bearer is remembered for a moment.
    tokio::time::sleep(casebridge::auth::MEMORY + std::time::Duration::from_millis(200)).await;
    let note = json!({"body": "Internal.", "visibility": "internal"});
    let coordinator = app.agent("Coordinator").await;
    coordinator.post(&path(&ticket, "/notes"), note).await.expect(201);
    app.publish().await;
    assert_eq!(listener.next().await, None);
}

#[actix_web::test]
async fn two_who_listen_alike_share_nothing_that_one_may_not_see() {
    let app = TestApp::start().await;
    app.publish().await;
    let (admin, agent) = (app.client(Role::Admin).await, app.agent("Business analyst A").await);
    let mut all = Listener::start(&admin, "", None).await;
    let mut own = Listener::start(&agent, "", None).await;
    all.next().await.unwrap();
    own.next().await.unwrap();
    app.open_ticket(json!({})).await;
    app.publish().await;
    assert_eq!(all.event().await.data["type"], "ticket.opened");
    assert!(own.is_silent().await);
}
