//! Departments are told, each agent or at an address of their own.
use reqwest::Method;
use serde_json::{Value, json};

use super::{forget, mailed, mails, tell, told};
use crate::support::{Client, Reply, TestApp, path};

async fn put(caller: &Client, path: &str, etag: &str, body: Value) -> Reply {
    Reply::of(caller.request(Method::PUT, path).header("if-match", etag).json(&body)).await
}

async fn elevate(app: &TestApp) -> Value {
    let ticket = app.open_ticket(json!({})).await;
    forget(app).await;
    app.set_away(&["L2 agent A", "L2 agent B"], true).await;
    let up = json!({"to": "L2", "reason": "Needs a developer", "tried": "A restart"});
    let coordinator = app.agent("Coordinator").await;
    coordinator.post_on(&path(&ticket, "/elevations"), "*", up).await.expect(200);
    tell(app).await;
    ticket
}

#[actix_web::test]
async fn an_elevated_ticket_is_told_to_the_agents_of_the_department_at_that_level() {
    let app = TestApp::start().await;
    let ticket = elevate(&app).await;
    let told = told(&app, &ticket).await;
    assert_eq!(told, ["L2 agent A: elevated", "L2 agent B: elevated"]);
    assert_eq!(mailed(&app).await, ["l2-a@desk.example", "l2-b@desk.example"]);
}

#[actix_web::test]
async fn a_department_with_an_address_gets_one_mail_there_and_its_agents_find_it_in_their_feeds() {
    let app = TestApp::start().await;
    let path = format!("/v1/departments/{}/mailbox", app.id("departments", "Support").await);
    let admin = app.agent("Administrator").await;
    let none = admin.get(&path).await.expect(200);
    assert_eq!((&none["email"], &none["version"]), (&json!(null), &json!(0)));
    let to = json!({"email": "second-level@desk.example", "language": "de"});
    let set = put(&admin, &path, "\"v0\"", to.clone()).await.expect(200);
    assert_eq!((&set["email"], &set["version"]), (&to["email"], &json!(1)));
    put(&admin, &path, "\"v0\"", to.clone()).await.problem(412, "stale_version");
    put(&app.agent("Coordinator").await, &path, "*", to).await.problem(403, "forbidden");

    let ticket = elevate(&app).await;
    assert_eq!(told(&app, &ticket).await.len(), 2);
    let sent = mails(&app).await;
    assert_eq!(mailed(&app).await, ["second-level@desk.example"]);
    assert!(sent[0]["text_body"].as_str().unwrap().contains("Ihre Abteilung"), "{}", sent[0]);

    let back = json!({"email": null, "language": "de"});
    put(&admin, &path, "\"v1\"", back).await.expect(200);
    elevate(&app).await;
    assert_eq!(mailed(&app).await, ["l2-a@desk.example", "l2-b@desk.example"]);
}

#[actix_web::test]
async fn a_ticket_that_nobody_has_waits_in_the_feeds_of_those_who_could_take_it() {
    let app = TestApp::start().await;
    forget(&app).await;
    app.set_away(&["L1 agent A", "L1 agent B"], true).await;
    let ticket = app.open_ticket(json!({})).await;
    tell(&app).await;
    let told = told(&app, &ticket).await;
    assert_eq!(told, ["L1 agent A: queued", "L1 agent B: queued", "Purchasing contact: opened"]);
    assert_eq!(mailed(&app).await, ["purchasing@customer.example"]);
}
