//! What side conversations are to their ticket: to its process, when it is closed, merged and redacted.
use futures_util::future::join;
use serde_json::{Value, json};

use super::{VENDOR, answer, asked, at, bringer, open, post, said, to_vendor, token, told};
use crate::redaction::{SECRET, redact, tables_with};
use crate::support::{Client, TestApp, path, pointers};

/// A ticket that an account manager shall take care of.
async fn outside(app: &TestApp, component: &str) -> Value {
    let component = app.id("components", component).await;
    let ticket = app.open_ticket(json!({"component_id": component})).await;
    app.follow_automatic().await;
    ticket
}

/// Who found each step of the ticket's process done.
async fn found(caller: &Client, ticket: &Value) -> Vec<String> {
    let process = caller.get(&path(ticket, "/process")).await.expect(200);
    let steps = process["steps"].as_array().unwrap().iter();
    steps.map(|step| step["checked_by"].as_str().unwrap_or("open").to_owned()).collect()
}

async fn mail_of(caller: &Client, side: &Value) -> Value {
    let first = said(caller, side).await.remove(0);
    let mail = format!("/v1/mails/{}", first["mail_id"].as_str().unwrap());
    caller.get(&mail).await.expect(200)
}

#[actix_web::test]
async fn the_account_manager_gets_the_request_where_the_process_asks_for_it() {
    let app = TestApp::start().await;
    let ticket = outside(&app, "Managed Upgrade").await;
    let agent = app.agent("Coordinator").await;
    let side =
        open(&agent, &ticket, json!({"subject": "Upgrade", "body": "Please take over."})).await;
    assert_eq!(
        side["to"],
        json!({"name": "Account manager A", "email": "account-manager-a@desk.example"})
    );
    let mail = mail_of(&agent, &side).await;
    let number = ticket["number"].as_str().unwrap();
    for part in [
        number,
        "The export stops",
        "After 100 rows.",
        "Northwind Services",
        "Purchasing contact",
        "purchasing@customer.example",
    ] {
        for text in ["text", "html"] {
            assert!(mail[text].as_str().unwrap().contains(part), "{part} in {}", mail[text]);
        }
    }
    assert_eq!(found(&agent, &ticket).await, ["service", "service", "open", "open", "open"]);
    let process = agent.get(&path(&ticket, "/process")).await.expect(200);
    let reference = format!("side conversation {}", side["id"].as_str().unwrap());
    assert_eq!(process["steps"][0]["reference"], reference);
    // Nobody says so in the place of the service.
    let done = json!({"done": true, "reference": "I swear"});
    let again = agent.post_on(&path(&ticket, "/process/steps/1"), "*", done).await;
    again.problem(409, "checked_by_service");
}

#[actix_web::test]
async fn the_request_goes_along_only_where_the_process_or_the_agent_asks_for_it() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    // The business unit's process has no such step.
    let ticket = outside(&app, "Reporting").await;
    let side = open(&agent, &ticket, to_vendor(json!({}))).await;
    assert!(!mail_of(&agent, &side).await["text"].as_str().unwrap().contains("After 100 rows."));
    assert_eq!(found(&agent, &ticket).await, ["service"]);

    // Without it, that step stays open, until a later message has it.
    let ticket = outside(&app, "Managed Upgrade").await;
    let side = open(&agent, &ticket, to_vendor(json!({"ticket_summary": false}))).await;
    assert_eq!(found(&agent, &ticket).await[..2], ["service", "open"]);
    let close = json!({"to": "050", "resolution": "Handed over"});
    let refused = agent.post_on(&path(&ticket, "/transitions"), "*", close.clone()).await;
    let refused = refused.problem(409, "process_open_steps");
    assert_eq!(refused["open_steps"][0]["check"], "side_conversation_has_ticket_summary");
    let more = json!({"body": "Here is all of it.", "ticket_summary": true});
    agent.post(&at(&side, "/messages"), more).await.expect(201);
    assert_eq!(found(&agent, &ticket).await[..2], ["service", "service"]);
    // What was said before the ticket was routed there does not count.
    let (early, _) = asked(&app).await;
    let component = json!({"component_id": app.id("components", "Managed Upgrade").await});
    agent.patch(&path(&early, ""), "*", component).await.expect(200);
    assert_eq!(found(&agent, &early).await[0], "open");
}

#[actix_web::test]
async fn without_an_account_manager_it_must_be_said_who_takes_part() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let account = format!("/v1/accounts/{}", app.id("accounts", "Northwind Services").await);
    let nobody = json!({"manager_name": null, "manager_email": null});
    admin.patch(&account, "*", nobody).await.expect(200);
    let ticket = app.open_ticket(json!({})).await;
    let new = json!({"subject": "Upgrade", "body": "Please take over."});
    let refused = admin.post(&path(&ticket, "/side-conversations"), new).await;
    assert_eq!(pointers(refused), ["/to"]);
}

#[actix_web::test]
async fn an_open_side_conversation_keeps_no_ticket_from_being_closed() {
    let app = TestApp::start().await;
    let (ticket, side) = asked(&app).await;
    app.advance_to(&ticket, "050").await;
    let agent = app.agent("Coordinator").await;
    assert_eq!(agent.get(&at(&side, "")).await.expect(200)["state"], "open");
    agent.post(&at(&side, "/messages"), json!({"body": "Thank you"})).await.expect(201);
    assert_eq!(app.read(&ticket).await["status"]["code"], "050");
}

#[actix_web::test]
async fn a_merged_tickets_side_conversations_are_the_targets_and_go_on() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let (source, side) = asked(&app).await;
    let (undone, other) = asked(&app).await;
    let target = app.open_ticket(json!({})).await;
    for ticket in [&source, &undone] {
        agent
            .post_on(&path(ticket, "/merge"), "*", json!({"into": target["id"]}))
            .await
            .expect(200);
    }
    let list = agent.get(&path(&target, "/side-conversations")).await.expect(200);
    let ids: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|side| &side["id"]).collect();
    assert_eq!(ids, [&other["id"], &side["id"]]);
    // A reply is in the side conversation, and in the history of the ticket that is worked on.
    let mail =
        post(&bringer(&app).await, answer(VENDOR, "1", &token(&app, &side).await, "Fixed")).await;
    assert_eq!(mail["side_conversation_id"], side["id"]);
    let seen = json!({"ticket_id": target["id"], "id": side["id"]});
    assert_eq!(said(&agent, &seen).await[1]["body"], "Fixed");
    assert_eq!(told(&agent, &target).await[0].0, "replied");
    agent.post(&at(&seen, "/messages"), json!({"body": "Thanks"})).await.expect(201);
    // What is opened on the merged ticket is opened on the target.
    let new = open(&agent, &source, to_vendor(json!({}))).await;
    assert_eq!(new["ticket_id"], target["id"]);
    // It went on there, so the merge stays; one where nothing went on takes its own back.
    agent.delete(&path(&source, "/merge"), "*").await.problem(409, "merge_followed");
    agent.delete(&path(&undone, "/merge"), "*").await.expect(200);
    let gone = json!({"ticket_id": target["id"], "id": other["id"]});
    agent.get(&at(&gone, "")).await.problem(404, "not_found");
    agent.get(&at(&other, "")).await.expect(200);
}

#[actix_web::test]
async fn a_merge_that_is_undone_while_somebody_writes_leaves_each_message_in_one_place() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let (source, side) = asked(&app).await;
    let target = app.open_ticket(json!({})).await;
    agent.post_on(&path(&source, "/merge"), "*", json!({"into": target["id"]})).await.expect(200);
    let seen = json!({"ticket_id": target["id"], "id": side["id"]});
    let (place, undo) = (at(&seen, "/messages"), path(&source, "/merge"));
    let (sent, undone) =
        join(agent.post(&place, json!({"body": "Hello"})), agent.delete(&undo, "*")).await;
    assert_eq!(undone.status, 200, "{undone:?}");
    let messages = said(&agent, &side).await.len();
    let events = told(&agent, &target).await.len();
    match sent.status {
        201 => assert_eq!((messages, events), (2, 1)),
        404 => assert_eq!((messages, events), (1, 0)),
        status => panic!("{status}"),
    }
}

#[actix_web::test]
async fn a_redaction_reaches_what_was_said_to_people_outside() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let text = format!("My card is {SECRET}.");
    let ticket = app.open_ticket(json!({"description": text})).await;
    let new = to_vendor(json!({
        "subject": format!("Card {SECRET}"), "body": format!("They wrote: {text}"), "ticket_summary": true,
    }));
    let key = agent.request(reqwest::Method::POST, &path(&ticket, "/side-conversations"));
    let opened = key.header("idempotency-key", "once").json(&new);
    let side = crate::support::Reply::of(opened).await.expect(201);
    let key = agent.request(reqwest::Method::POST, &at(&side, "/messages"));
    let sent = key.header("idempotency-key", "twice").json(&json!({"body": text}));
    crate::support::Reply::of(sent).await.expect(201);
    let reply = answer(VENDOR, "1", &token(&app, &side).await, &format!("Which card, {SECRET}?"));
    let strange = answer("x@vendor.example", "2", &token(&app, &side).await, SECRET);
    let bringer = bringer(&app).await;
    post(&bringer, reply).await;
    post(&bringer, strange).await;
    app.publish().await;
    let held = tables_with(&app, SECRET).await;
    for table in
        ["side_conversations", "side_messages", "outgoing_mails", "events", "idempotency_keys"]
    {
        assert!(held.iter().any(|found| found == table), "{table} in {held:?}");
    }
    redact(&agent, &ticket, "description", SECRET).await.expect(201);
    assert_eq!(tables_with(&app, SECRET).await, Vec::<String>::new());
    let bodies: Vec<Value> =
        said(&agent, &side).await.iter().map(|message| message["body"].clone()).collect();
    assert_eq!(bodies[1..], [json!("My card is [redacted]."), json!("Which card, [redacted]?")]);
}
