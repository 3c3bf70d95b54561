//! A ticket goes to a successor, with what they have to know.
use serde_json::{Value, json};

use super::history;
use crate::support::{Client, Reply, TestApp, path, pointers};

const LEVEL_1: [&str; 2] = ["L1 agent A", "L1 agent B"];

async fn hand_over(caller: &Client, ticket: &Value, body: Value) -> Reply {
    caller.post_on(&path(ticket, "/handover"), "*", body).await
}

/// Who has the ticket, and the other one of level 1.
async fn holder_and_other(app: &TestApp, ticket: &Value) -> (&'static str, &'static str) {
    let [a, b] = LEVEL_1;
    if ticket["assignee_id"] == app.id("agents", a).await { (a, b) } else { (b, a) }
}

#[actix_web::test]
async fn a_hand_over_is_one_event_with_a_note_and_the_ticket_goes_through_its_status() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    for status in ["020", "030", "012", "040"] {
        let ticket = app.advance_to(&app.open_ticket(json!({})).await, status).await;
        let (_, other) = holder_and_other(&app, &ticket).await;
        let body = json!({"note": "Compare the logs"});
        let handed = hand_over(&coordinator, &ticket, body).await.expect(200);
        assert_eq!(handed["assignee_id"], app.id("agents", other).await, "{status}");
        // Where the workflow has a way through its status for that, the successor begins as one who is assigned.
        let expected = if ["020", "030"].contains(&status) { "020" } else { status };
        assert_eq!(handed["status"]["code"], expected);
        assert_eq!(handed["version"].as_i64(), ticket["version"].as_i64().map(|v| v + 1));
        let event = history(&coordinator, &ticket).await.pop().unwrap();
        assert_eq!(event["type"], "ticket.handed_over");
        assert_eq!(event["data"]["handed_over_by"], ticket["assignee_id"]);
        let notes = coordinator.get(&path(&ticket, "/notes")).await.expect(200);
        let note = notes["items"].as_array().unwrap().last().unwrap().clone();
        assert_eq!([&note["body"], &note["visibility"]], ["Compare the logs", "internal"]);
        let explained = coordinator.get(&path(&ticket, "/assignment")).await.expect(200);
        let decision = &explained["decisions"][0];
        assert_eq!([&decision["rule"], &decision["reason"]], ["least_loaded", "Compare the logs"]);
        let contact = app.contact("Purchasing contact").await;
        assert!(
            contact.get(&path(&ticket, "/notes")).await.expect(200)["items"]
                .as_array()
                .unwrap()
                .iter()
                .all(|note| note["body"] != "Compare the logs")
        );
    }
    app.loads_are_true().await;
}

#[actix_web::test]
async fn a_ticket_is_never_handed_over_to_who_has_it() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "020").await;
    let (holder, other) = holder_and_other(&app, &ticket).await;
    let same = json!({"note": "n", "agent_id": ticket["assignee_id"]});
    assert_eq!(pointers(hand_over(&coordinator, &ticket, same).await), ["/agent_id"]);
    // Nobody else is there: the dry run knows, and the ticket waits for somebody else.
    app.set_away(&[other], true).await;
    let at = path(&ticket, "/assignment?dry_run=true&handover=true");
    let dry = coordinator.get(&at).await.expect(200)["dry_run"].clone();
    assert_eq!((&dry["agent_id"], &dry["rule"]), (&Value::Null, &json!("waiting")));
    let verdicts: Vec<&Value> =
        dry["candidates"].as_array().unwrap().iter().map(|c| &c["verdict"]).collect();
    assert!(verdicts.contains(&&json!("hands_over")) && verdicts.contains(&&json!("unavailable")));

    let waits = hand_over(&coordinator, &ticket, json!({"note": "n"})).await.expect(200);
    assert_eq!((&waits["assignee_id"], &waits["status"]["code"]), (&Value::Null, &json!("025")));
    app.assign_waiting().await;
    assert_eq!(app.read(&ticket).await, waits, "{holder} is there, and gave it away");
    let automatic = coordinator.post_on(&path(&ticket, "/assignment"), "*", json!({})).await;
    assert_eq!(automatic.expect(200)["assignee_id"], Value::Null);
    app.set_away(&[other], false).await;
    app.assign_waiting().await;
    let given = app.read(&ticket).await;
    assert_eq!(given["assignee_id"], app.id("agents", other).await);
    assert_eq!(given["status"]["code"], "020");
    app.loads_are_true().await;

    // What was handed over once can come back another time.
    hand_over(&coordinator, &ticket, json!({"note": "n"})).await.expect(200);
    assert_eq!(app.read(&ticket).await["assignee_id"], app.id("agents", holder).await);
}

#[actix_web::test]
async fn a_ticket_that_is_in_hand_over_goes_to_somebody_else_by_itself() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    for _ in 0..4 {
        let ticket = app.advance_to(&app.open_ticket(json!({})).await, "025").await;
        let (_, other) = holder_and_other(&app, &ticket).await;
        let given = coordinator.post_on(&path(&ticket, "/assignment"), "*", json!({})).await;
        let given = given.expect(200);
        assert_eq!(given["assignee_id"], app.id("agents", other).await);
        assert_eq!(given["status"]["code"], "020");
    }
}

#[actix_web::test]
async fn a_named_successor_is_there_or_somebody_insists() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "030").await;
    let successor = app.id("agents", "L2 agent A").await;
    app.set_away(&["L2 agent A"], true).await;
    let body = json!({"note": "n", "agent_id": successor});
    hand_over(&agent, &ticket, body.clone()).await.problem(409, "agent_absent");
    assert_eq!(app.read(&ticket).await, ticket);
    let body = json!({"note": "n", "agent_id": successor, "override": true});
    assert_eq!(hand_over(&agent, &ticket, body).await.expect(200)["assignee_id"], successor);
    assert_eq!(pointers(hand_over(&agent, &ticket, json!({"note": "  "})).await), ["/note"]);
    assert_eq!(pointers(hand_over(&agent, &ticket, json!({})).await), ["/note"]);

    let contact = app.contact("Purchasing contact").await;
    hand_over(&contact, &ticket, json!({"note": "n"})).await.problem(403, "forbidden");
    let stranger = app.agent("Business analyst A").await;
    hand_over(&stranger, &ticket, json!({"note": "n"})).await.problem(404, "not_found");
    let nobody = json!({"agent_id": null});
    agent.post_on(&path(&ticket, "/assignment"), "*", nobody).await.expect(200);
    hand_over(&agent, &ticket, json!({"note": "n"})).await.problem(409, "not_assigned");
}
