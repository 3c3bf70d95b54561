//! Warnings and breaches are told, each once.
use casebridge::kernel::Role;
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{around_the_clock, clock, derive, sla_of, tell};
use crate::support::{TestApp, path};

async fn with_policy(escalations: Value) -> TestApp {
    let app = TestApp::start().await;
    let policy = around_the_clock(json!({"escalations": escalations}));
    app.client(Role::Admin).await.post("/v1/sla-policies", policy).await.expect(201);
    app
}

/// A ticket whose clocks are known, beside no other: that of the seed data is not what is looked at.
async fn the_only_ticket(app: &TestApp) -> Value {
    let ticket = app.open_ticket(json!({})).await;
    derive(app).await;
    let id = ticket["id"].as_str().unwrap();
    app.sql(format!("delete from sla_tickets where ticket_id <> '{id}'")).await.unwrap();
    ticket
}

async fn told(app: &TestApp) -> Vec<String> {
    app.texts("select type || ' ' || (data->>'metric') as text from events where type like 'sla.%' order by id").await
}

#[actix_web::test]
async fn a_warning_and_a_breach_are_told_once_each_in_the_tickets_history_whoever_looks() {
    let app = with_policy(json!([])).await;
    let ticket = the_only_ticket(&app).await;
    let now = Utc::now();
    assert_eq!(tell(&app, now + TimeDelta::minutes(49)).await, 0);
    let then = now + TimeDelta::minutes(51);
    join_all((0..4).map(|_| tell(&app, then))).await;
    assert_eq!(told(&app).await, ["sla.warning first_response"]);
    let then = now + TimeDelta::minutes(61);
    join_all((0..4).map(|_| tell(&app, then))).await;
    assert_eq!(told(&app).await, ["sla.warning first_response", "sla.breached first_response"]);
    tell(&app, now + TimeDelta::hours(9)).await;
    assert_eq!(
        told(&app).await.last().unwrap(),
        "sla.breached resolution",
        "a breach says what a warning would"
    );
    assert_eq!(told(&app).await.len(), 3);
    derive(&app).await;
    assert_eq!(tell(&app, now + TimeDelta::hours(9)).await, 0);
    let contact = app.contact("Purchasing contact").await;
    let history = contact.get(&path(&ticket, "/history?limit=100")).await.expect(200);
    assert!(!history.to_string().contains("sla."), "{history}");
}

#[actix_web::test]
async fn an_answer_that_the_clocks_have_not_learned_yet_keeps_a_breach_from_being_told() {
    let app = with_policy(json!([])).await;
    let ticket = the_only_ticket(&app).await;
    let desk = app.agent("Coordinator").await;
    desk.post(&path(&ticket, "/notes"), json!({"body": "We look at it", "visibility": "public"}))
        .await
        .expect(201);
    tell(&app, Utc::now() + TimeDelta::minutes(61)).await;
    assert!(told(&app).await.is_empty());
    assert_eq!(clock(&sla_of(&desk, &ticket).await, "first_response")["state"], "fulfilled");
}

#[actix_web::test]
async fn a_breach_is_true_when_it_is_read_before_anybody_was_told() {
    let app = with_policy(json!([])).await;
    let ticket = app.open_ticket(json!({})).await;
    derive(&app).await;
    app.sql("alter table sla_ledger disable trigger sla_ledger_append_only").await.unwrap();
    app.sql("update sla_ledger set at = at - interval '3 hours'").await.unwrap();
    let desk = app.agent("Coordinator").await;
    let sla = sla_of(&desk, &ticket).await;
    let first = clock(&sla, "first_response");
    assert_eq!((&first["breached"], &first["state"]), (&json!(true), &json!("running")));
    assert!(first["remaining_seconds"].as_i64().unwrap() < -3_600, "{first}");
    assert!(told(&app).await.is_empty());
}

#[actix_web::test]
async fn the_assignee_the_department_and_named_agents_are_told_by_mail_each_once() {
    let app = TestApp::start().await;
    let coordinator = app.id("agents", "Coordinator").await;
    let escalations = json!([
        {"on": "breach", "metrics": ["first_response"], "assignee": true, "agent_ids": [coordinator]},
        {"on": "breach", "department": true},
        {"on": "warning", "metrics": ["resolution"], "department": true},
    ]);
    let policy = around_the_clock(json!({"escalations": escalations}));
    app.client(Role::Admin).await.post("/v1/sla-policies", policy).await.expect(201);
    let ticket = the_only_ticket(&app).await;
    let now = Utc::now();
    tell(&app, now + TimeDelta::minutes(51)).await;
    let mails = "outgoing_mails where dedupe like 'sla:%'";
    assert_eq!(
        app.number(&format!("select count(*) as number from {mails}")).await,
        0,
        "nobody is to be warned of it"
    );
    tell(&app, now + TimeDelta::minutes(61)).await;
    let people = format!(
        "agents where active and (id = '{coordinator}' or id in (select agent_id from agent_departments where department_id = '{}'))",
        ticket["department_id"].as_str().unwrap()
    );
    let expected =
        app.texts(&format!("select lower(email) as text from {people} order by 1")).await;
    let told = app.texts(&format!("select lower(to_email) as text from {mails} order by 1")).await;
    assert!(expected.len() > 1);
    assert_eq!(told, expected);
    let subject = app.text(&format!("select subject as text from {mails}")).await.unwrap();
    assert!(subject.starts_with("Target missed, first response: "), "{subject}");
}
