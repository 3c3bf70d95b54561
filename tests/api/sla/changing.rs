//! What measures a ticket changes: its policy, the calendar, and what its status means to clocks.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::{around_the_clock, clock, derive, sla_of};
use crate::support::{Client, TestApp, path, pointers};

const OFFICE: &str = "/v1/calendars/0199f0c2-b1c9-7000-8000-000000000301";

async fn with_policy(more: Value) -> (TestApp, Value) {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let policy = admin.post("/v1/sla-policies", around_the_clock(more)).await.expect(201);
    (app, policy)
}

/// Lets clocks do something else in a status of the ticket's workflow.
async fn mean(admin: &Client, ticket: &Value, status: &str, sla: &str) {
    let workflow = ticket["workflow_id"].as_str().unwrap();
    let status = format!("/v1/workflows/{workflow}/statuses/{status}");
    admin.patch(&status, "*", json!({ "sla": sla })).await.expect(200);
}

#[actix_web::test]
async fn a_status_that_comes_to_mean_something_else_counts_so_from_the_moment_of_the_change() {
    let (app, _) = with_policy(json!({})).await;
    let (admin, desk) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "020").await;
    derive(&app).await;
    mean(&admin, &ticket, "020", "paused").await;
    let changed =
        "select (data || jsonb_build_object('at', occurred_at))->>'at' as text from events
        where subject like 'workflow/%' order by id desc limit 1";
    let changed = app.text(changed).await.unwrap();
    let stretches = async || {
        let sla = sla_of(&desk, &ticket).await;
        let resolution = clock(&sla, "resolution").clone();
        let from = resolution["stretches"].as_array().unwrap().last().unwrap()["from"].clone();
        (resolution["state"].clone(), from)
    };
    let read = stretches().await;
    assert_eq!(read.0, "paused");
    derive(&app).await;
    assert_eq!(stretches().await, read, "once learned it is the same");
    let same = format!(
        "select count(*) as number from sla_ledger where kind = 'paused' and at = '{changed}'"
    );
    assert_eq!(app.number(&same).await, 2, "both clocks, since {changed}");
    assert_eq!(app.read(&ticket).await["sla"]["standing"], "paused");
    mean(&admin, &ticket, "020", "running").await;
    derive(&app).await;
    assert_eq!(stretches().await.0, "running");
    assert_eq!(app.read(&ticket).await["sla"]["standing"], "running");
}

#[actix_web::test]
async fn what_was_closed_stays_as_it_was_measured_whatever_statuses_come_to_mean() {
    let (app, _) = with_policy(json!({})).await;
    let (admin, desk) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let ticket = app.open_ticket(json!({})).await;
    let ticket = app.advance_to(&ticket, "050").await;
    derive(&app).await;
    let before = sla_of(&desk, &ticket).await["clocks"].clone();
    mean(&admin, &ticket, "050", "running").await;
    derive(&app).await;
    let note = json!({"body": "For the record", "visibility": "internal"});
    desk.post(&path(&ticket, "/notes"), note).await.expect(201);
    derive(&app).await;
    assert_eq!(sla_of(&desk, &ticket).await["clocks"], before);
}

#[actix_web::test]
async fn a_policy_that_is_attached_measures_the_ticket_whatever_it_is_for_while_it_is_active() {
    let conditions = json!({"conditions": {"priorities": ["critical"]}});
    let (app, policy) = with_policy(conditions).await;
    let (admin, desk) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let ticket = app.open_ticket(json!({"priority": "normal"})).await;
    let measured = async || {
        derive(&app).await;
        clock(&sla_of(&desk, &ticket).await, "resolution")["policy"].clone()
    };
    assert_eq!(measured().await, "Standard");
    let attach = json!({"sla_policy_id": policy["id"]});
    let attached = desk.patch(&path(&ticket, ""), "*", attach).await.expect(200);
    assert_eq!(attached["sla_policy_id"], policy["id"]);
    assert_eq!(measured().await, "Around the clock");
    let by_policy = format!("/v1/tickets?sla_policy={}", policy["id"].as_str().unwrap());
    let found = desk.get(&by_policy).await.expect(200);
    assert_eq!(
        (found["items"].as_array().unwrap().len(), &found["items"][0]["id"]),
        (1, &ticket["id"])
    );
    let at = format!("/v1/sla-policies/{}", policy["id"].as_str().unwrap());
    admin.patch(&at, "*", json!({"active": false})).await.expect(200);
    assert_eq!(measured().await, "Standard");
    admin.patch(&at, "*", json!({"active": true})).await.expect(200);
    assert_eq!(measured().await, "Around the clock");
    desk.patch(&path(&ticket, ""), "*", json!({"sla_policy_id": null})).await.expect(200);
    assert_eq!(measured().await, "Standard");
    let nowhere = json!({"sla_policy_id": uuid::Uuid::now_v7()});
    assert_eq!(pointers(desk.patch(&path(&ticket, ""), "*", nowhere).await), ["/sla_policy_id"]);
    let contact = app.contact("Purchasing contact").await;
    let draft = contact.post("/v1/drafts", json!({})).await.expect(201);
    let draft = format!("/v1/drafts/{}", draft["id"].as_str().unwrap());
    let wish = json!({"sla_policy_id": policy["id"]});
    contact.patch(&draft, "*", wish).await.problem(403, "forbidden");
    let seen = contact.get(&path(&ticket, "")).await.expect(200);
    assert!(seen.get("sla").is_none() && seen.get("sla_policy_id").is_none(), "{seen}");
}

#[actix_web::test]
async fn a_policy_is_for_the_types_and_departments_that_it_names() {
    let (app, policy) = with_policy(json!({"conditions": {"types": ["incident"]}})).await;
    let (admin, desk) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let at = format!("/v1/sla-policies/{}", policy["id"].as_str().unwrap());
    let policy_of = async |ticket: &Value| {
        derive(&app).await;
        clock(&sla_of(&desk, ticket).await, "resolution")["policy"].clone()
    };
    let incident = app.open_ticket(json!({"type": "incident"})).await;
    let question = app.open_ticket(json!({"type": "question"})).await;
    assert_eq!(policy_of(&incident).await, "Around the clock");
    assert_eq!(policy_of(&question).await, "Standard");
    let departments = |id: &Value| json!({"conditions": {"department_ids": [id]}});
    admin.patch(&at, "*", departments(&question["department_id"])).await.expect(200);
    assert_eq!(policy_of(&question).await, "Around the clock");
    let elsewhere = json!(app.id("departments", "Internal IT").await);
    admin.patch(&at, "*", departments(&elsewhere)).await.expect(200);
    assert_eq!(policy_of(&incident).await, "Standard");
}

#[actix_web::test]
async fn a_change_of_a_calendar_does_what_its_preview_said() {
    let targets = json!([{"metric": "resolution", "within": "PT100H"}]);
    let (app, _) = with_policy(json!({ "targets": targets })).await;
    let (admin, desk) = (app.client(Role::Admin).await, app.agent("Coordinator").await);
    let ticket = app.open_ticket(json!({})).await;
    derive(&app).await;
    let due = async || clock(&sla_of(&desk, &ticket).await, "resolution")["due_at"].clone();
    let before = due().await;
    let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let week = json!(all.map(|day| json!({"day": day, "from": "00:00", "to": "24:00"})));
    let preview = format!("{OFFICE}/preview");
    let effect = admin.post(&preview, json!({ "week": week })).await.expect(200);
    assert_eq!((&effect["tickets"], &effect["would_move"]), (&json!(1), &json!(1)), "{effect}");
    let moved = &effect["moved"][0];
    assert_eq!((&moved["due_at"], &moved["metric"]), (&before, &json!("resolution")));
    assert_eq!(due().await, before, "changes nothing");
    let holidays: Vec<Value> = (0..40)
        .map(|n| chrono::Utc::now().date_naive() + chrono::Days::new(n))
        .map(|date| json!({ "date": date }))
        .collect();
    let closed = admin.post(&preview, json!({ "exceptions": holidays })).await.expect(200);
    assert!(closed["moved"][0]["would_be_due_at"].as_str() > before.as_str(), "{closed}");
    let file = json!({"icalendar": "no calendar"});
    assert_eq!(pointers(admin.post(&preview, file).await), ["/icalendar"]);
    let twice = json!([{"from": "09:00", "to": "12:00"}, {"from": "11:00", "to": "13:00"}]);
    let wrong = json!({"exceptions": [{"date": "2026-12-24", "windows": twice}]});
    assert_eq!(pointers(admin.post(&preview, wrong).await), ["/exceptions/0"]);
    admin.patch(OFFICE, "*", json!({ "week": week })).await.expect(200);
    derive(&app).await;
    assert_eq!(due().await, moved["would_be_due_at"]);
    desk.post(&preview, json!({})).await.problem(403, "forbidden");
}
