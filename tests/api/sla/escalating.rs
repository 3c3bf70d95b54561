//! Who is told of warnings and breaches beside the ticket's own people.
use casebridge::kernel::{MailId, Permission, Role, SecretKey, TicketId};
use casebridge::mail::{Conversation, Thread};
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::{around_the_clock, derive, tell};
use crate::support::receiver::Receiver;
use crate::support::{Reply, TestApp, path, pointers, secret_key};

const POLICIES: &str = "/v1/sla-policies";

async fn start() -> TestApp {
    let inside = |config: &mut casebridge::config::Config| {
        config.webhook_networks = vec!["127.0.0.0/8".parse().unwrap()];
    };
    TestApp::start_with(inside).await
}

async fn escalate(app: &TestApp, escalations: Value) {
    let policy = around_the_clock(json!({ "escalations": escalations }));
    app.client(Role::Admin).await.post(POLICIES, policy).await.expect(201);
}

/// A ticket whose clocks are known, beside no other.
async fn the_only_ticket(app: &TestApp) -> Value {
    let ticket = app.open_ticket(json!({})).await;
    derive(app).await;
    let id = ticket["id"].as_str().unwrap();
    app.sql(format!("delete from sla_tickets where ticket_id <> '{id}'")).await.unwrap();
    ticket
}

async fn webhook(app: &TestApp, name: &str, receiver: &Receiver, more: Value) -> Value {
    app.publish().await;
    let mut new = json!({"name": name, "url": receiver.url(), "types": ["sla.*"]});
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.client(Role::Admin).await.post("/v1/webhooks", new).await.expect(201)
}

/// Lets clocks tell what is due then, and webhooks hear of it.
async fn pass(app: &TestApp, minutes: i64) {
    tell(app, Utc::now() + TimeDelta::minutes(minutes)).await;
    app.publish().await;
    while app.service.webhooks.feed_next(Utc::now()).await.unwrap() {}
    app.service.webhooks.start_due(Utc::now()).await.unwrap();
    app.service.webhooks.finished().await;
}

#[actix_web::test]
async fn webhooks_hear_of_warnings_and_breaches_by_what_they_ask_for() {
    let app = start().await;
    escalate(&app, json!([])).await;
    let (all, breaches, others) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    webhook(&app, "All", &all, json!({})).await;
    webhook(&app, "Breaches", &breaches, json!({"types": ["sla.breached"]})).await;
    let elsewhere = [app.id("departments", "Internal IT").await];
    webhook(&app, "Others", &others, json!({ "department_ids": elsewhere })).await;
    let ticket = the_only_ticket(&app).await;
    pass(&app, 51).await;
    pass(&app, 61).await;
    assert_eq!(all.types(), ["sla.warning", "sla.breached"]);
    assert_eq!((breaches.types(), others.count()), (vec!["sla.breached".to_owned()], 0));
    let told = &breaches.received()[0].body["data"];
    assert_eq!(
        (&told["ticket_id"], &told["data"]["metric"], &told["data"]["cycle"]),
        (&ticket["id"], &json!("first_response"), &json!(1))
    );
}

#[actix_web::test]
async fn a_webhook_that_a_policy_names_hears_of_it_whatever_it_asks_for_and_once() {
    let app = start().await;
    let (named, subscribed) = (Receiver::start().await, Receiver::start().await);
    let elsewhere = [app.id("departments", "Internal IT").await];
    let filter = json!({"types": ["ticket.opened"], "department_ids": elsewhere});
    let first = webhook(&app, "Named", &named, filter).await;
    let second = webhook(&app, "Subscribed", &subscribed, json!({})).await;
    let ids = [&first["id"], &second["id"]];
    escalate(&app, json!([{"on": "breach", "metrics": ["first_response"], "webhook_ids": ids}]))
        .await;
    the_only_ticket(&app).await;
    pass(&app, 51).await;
    assert_eq!(named.count(), 0, "of a warning it is not to hear");
    pass(&app, 61).await;
    pass(&app, 9 * 60).await;
    assert_eq!(named.types(), ["sla.breached"]);
    assert_eq!(subscribed.types(), ["sla.warning", "sla.breached", "sla.breached"]);
}

#[actix_web::test]
async fn another_department_is_told_by_mail() {
    let app = start().await;
    let elsewhere = app.id("departments", "Internal IT").await;
    escalate(&app, json!([{"on": "breach", "department_ids": [elsewhere]}])).await;
    the_only_ticket(&app).await;
    tell(&app, Utc::now() + TimeDelta::minutes(61)).await;
    let people = format!(
        "select lower(email) as text from agents where active and id in
          (select agent_id from agent_departments where department_id = '{elsewhere}') order by 1"
    );
    let expected = app.texts(&people).await;
    let told =
        "select lower(to_email) as text from outgoing_mails where dedupe like 'sla:%' order by 1";
    assert!(!expected.is_empty());
    assert_eq!(app.texts(told).await, expected);
}

#[actix_web::test]
async fn a_policy_that_names_what_is_not_there_is_refused_with_each_place() {
    let app = start().await;
    let nobody = json!([uuid::Uuid::now_v7()]);
    let admin = app.client(Role::Admin).await;
    let wrong = around_the_clock(json!({
        "conditions": {"types": ["none"], "department_ids": nobody},
        "escalations": [
            {"on": "breach", "assignee": true},
            {"on": "breach", "agent_ids": nobody, "department_ids": nobody, "webhook_ids": nobody},
        ],
    }));
    let refused = pointers(admin.post(POLICIES, wrong.clone()).await);
    let expected = [
        "/conditions/types",
        "/conditions/department_ids",
        "/escalations/1/agent_ids",
        "/escalations/1/department_ids",
        "/escalations/1/webhook_ids",
    ];
    assert_eq!(refused, expected);
    let preview = json!({ "policy": wrong });
    assert_eq!(pointers(admin.post("/v1/sla-policies/preview", preview).await).len(), 5);
}

#[actix_web::test]
async fn an_agent_who_answers_an_alarm_writes_to_the_desk_and_not_to_the_customer() {
    let app = start().await;
    let coordinator = app.id("agents", "Coordinator").await;
    escalate(&app, json!([{"on": "breach", "agent_ids": [coordinator]}])).await;
    let ticket = the_only_ticket(&app).await;
    tell(&app, Utc::now() + TimeDelta::minutes(61)).await;
    let mail = "select id::text as text from outgoing_mails where dedupe like 'sla:breach:%'";
    let mail = MailId(app.text(mail).await.unwrap().parse().unwrap());
    let conversation =
        Conversation::Ticket(TicketId(ticket["id"].as_str().unwrap().parse().unwrap()));
    let token = Thread { conversation, mail }.token(&SecretKey::parse(&secret_key()).unwrap());
    let answer = format!(
        "From: coordinator@desk.example\r\nTo: support@desk.example\r\nSubject: Re\r\nMessage-ID: <a@desk>\r\n\r\n\
         Why did nobody answer?\r\n\r\n> [ref:{token}]\r\n"
    );
    let bringer = app.integration(&[Permission::MailReceive]).await;
    let bringer = app.client_with(bringer, [Permission::MailReceive].into_iter()).await;
    let request = bringer.request(Method::POST, "/v1/inbound/emails");
    let taken = Reply::of(request.header("content-type", "message/rfc822").body(answer)).await;
    let note = path(&ticket, &format!("/notes/{}", taken.expect(200)["note_id"].as_str().unwrap()));
    let note = app.agent("Coordinator").await.get(&note).await.expect(200);
    assert_eq!(
        (&note["visibility"], &note["author"]["name"]),
        (&json!("internal"), &json!("Coordinator"))
    );
    let sla = super::sla_of(&app.agent("Coordinator").await, &ticket).await;
    assert_eq!(
        super::clock(&sla, "first_response")["state"],
        "running",
        "the customer has no answer"
    );
}
