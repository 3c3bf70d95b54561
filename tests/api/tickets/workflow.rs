//! Tickets move along their workflow, and no other way.
use serde_json::{Value, json};

use super::{go, history};
use crate::support::{Client, TestApp, path, pointers};

const LEVEL_1: &[&str] = &["L1 agent A", "L1 agent B"];

/// The transitions that the consultancy's workflow leaves to agents: from, to, what is required.
async fn by_agents(app: &TestApp) -> Vec<(String, String, Value)> {
    let admin = app.agent("Administrator").await;
    let list = admin.get("/v1/workflows").await.expect(200);
    let all = list["items"].as_array().unwrap();
    let id = all.iter().find(|w| w["key"] == "consultancy").unwrap()["id"].as_str().unwrap();
    let workflow = admin.get(&format!("/v1/workflows/{id}")).await.expect(200);
    let transitions = workflow["transitions"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let by_agents = transitions.filter(|t| t["trigger"] == "agent");
    by_agents.map(|t| (text(&t["from"]), text(&t["to"]), t["requires"].clone())).collect()
}

/// A ticket in this status; for 016 one that nobody could take.
async fn ticket_in(app: &TestApp, status: &str) -> Value {
    if status == "005" {
        return app.open_ticket(json!({"draft": true})).await;
    }
    app.set_away(LEVEL_1, status == "016").await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, status).await
}

/// What fulfils a requirement, and the field that is named when it is missing.
fn fulfilment(requires: &Value) -> (Value, Vec<&str>) {
    let one = |requirement: &Value| match requirement.as_str().unwrap() {
        "public_note" => (json!({"note": {"body": "Hello"}}), "/note"),
        "internal_note" => (json!({"note": {"body": "Psst", "visibility": "internal"}}), "/note"),
        "resolution" => (json!({"resolution": "Solved"}), "/resolution"),
        "vendor_reference" => (json!({"vendor_reference": "MS-1"}), "/vendor_reference"),
        other => panic!("{other}"),
    };
    match requires.as_array().unwrap().as_slice() {
        [] => (json!({}), Vec::new()),
        [requirement] => {
            let (body, pointer) = one(requirement);
            (body, vec![pointer])
        }
        more => panic!("{more:?}"),
    }
}

#[actix_web::test]
async fn every_transition_needs_what_it_requires_and_then_works() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let transitions = by_agents(&app).await;
    assert_eq!(transitions.len(), 38);
    for (from, to, requires) in transitions {
        let ticket = ticket_in(&app, &from).await;
        assert_eq!(ticket["status"]["code"], *from);
        let (body, missing) = fulfilment(&requires);
        if !missing.is_empty() {
            let refused = go(&coordinator, &ticket, json!({}), &to).await;
            assert_eq!(pointers(refused), missing, "{from} -> {to}");
        }
        let moved = go(&coordinator, &ticket, body, &to).await.expect(200);
        // Who is ready for assignment and assigned already is on the way.
        let reached = if to == "016" { "020" } else { &to };
        assert_eq!(moved["status"]["code"], *reached, "{from} -> {to}");
    }
}

#[actix_web::test]
async fn all_16_statuses_are_reached_and_refuse_every_other_way() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let transitions = by_agents(&app).await;
    let codes = [
        "005", "010", "012", "013", "014", "016", "017", "020", "025", "030", "031", "035", "040",
        "045", "050", "099",
    ];
    for from in codes {
        let ticket = ticket_in(&app, from).await;
        assert_eq!(ticket["status"]["code"], from);
        let possible: Vec<Value> = transitions
            .iter()
            .filter(|(start, ..)| start == from)
            .map(|(_, to, requires)| json!({"to": to, "requires": requires}))
            .collect();
        let reachable = |code: &str| possible.iter().any(|t| t["to"] == code);
        let listed = coordinator.get(&path(&ticket, "/transitions")).await.expect(200);
        assert_eq!(listed, ticket["allowed_transitions"]);
        assert_eq!(listed.as_array().unwrap().len(), possible.len());
        for to in codes.into_iter().filter(|code| !reachable(code)).chain(["777"]) {
            let refused = go(&coordinator, &ticket, json!({"resolution": "x"}), to).await;
            let problem = refused.problem(409, "transition_not_allowed");
            assert_eq!(problem["allowed_transitions"], json!(possible), "{from} -> {to}");
        }
        assert_eq!(app.read(&ticket).await, ticket);
    }
}

#[actix_web::test]
async fn a_note_of_the_wrong_kind_does_not_count() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "030").await;
    let internal = json!({"note": {"body": "Psst", "visibility": "internal"}});
    assert_eq!(pointers(go(&coordinator, &ticket, internal, "035").await), ["/note"]);
    let public = json!({"note": {"body": "Hello"}});
    assert_eq!(pointers(go(&coordinator, &ticket, public, "031").await), ["/note"]);
    let unasked = json!({"resolution": ""});
    assert_eq!(pointers(go(&coordinator, &ticket, unasked, "050").await), ["/resolution"]);
    assert_eq!(app.read(&ticket).await, ticket);
    let notes = app.number("select count(*) as number from notes").await;
    assert_eq!(notes, 0, "a refused transition leaves no note");
}

#[actix_web::test]
async fn a_submitted_ticket_becomes_new_by_itself_once() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    assert_eq!(ticket["status"]["code"], "010");
    app.follow_automatic().await;
    app.follow_automatic().await;
    let now = app.read(&ticket).await;
    assert_eq!((&now["status"]["code"], &now["version"]), (&json!("012"), &json!(2)));
    let event = history(&app.agent("Coordinator").await, &ticket).await.pop().unwrap();
    assert_eq!(event["type"], "ticket.status_changed");
    assert_eq!(event["changes"]["status"], json!({"from": "010", "to": "012"}));
    assert_eq!(event["data"]["effects"], json!(["confirmation_email_to_contact"]));
}

#[actix_web::test]
async fn a_ticket_in_hand_over_waits_for_its_successor() {
    let app = TestApp::start().await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "025").await;
    let names = ["L1 agent A", "L1 agent B"];
    let ids = [app.id("agents", names[0]).await, app.id("agents", names[1]).await];
    let successor = ids.iter().find(|id| ticket["assignee_id"] != **id).unwrap();
    let coordinator = app.agent("Coordinator").await;
    let to = json!({"agent_id": successor});
    let given = coordinator.post_on(&path(&ticket, "/assignment"), "*", to).await.expect(200);
    assert_eq!(
        (&given["status"]["code"], &given["assignee_id"]),
        (&json!("020"), &json!(successor))
    );
    assert_eq!(given["version"].as_i64(), ticket["version"].as_i64().map(|v| v + 1));
}

#[actix_web::test]
async fn a_contact_closes_and_does_nothing_else() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "040").await;
    let seen = contact.get(&path(&ticket, "")).await.expect(200);
    let closing =
        json!([{"to": "050", "label": "Closed", "category": "closed", "requires": ["resolution"]}]);
    assert_eq!(seen["allowed_transitions"], closing);
    let refused = go(&contact, &ticket, json!({"note": {"body": "x"}}), "045").await;
    let allowed = refused.problem(409, "transition_not_allowed")["allowed_transitions"].clone();
    assert_eq!(allowed, json!([{"to": "050", "requires": ["resolution"]}]));
    assert_eq!(pointers(go(&contact, &ticket, json!({}), "050").await), ["/resolution"]);
    for beyond in [
        json!({"resolution": "ok", "vendor_reference": "x"}),
        json!({"resolution": "ok", "note": {"body": "x", "visibility": "internal"}}),
    ] {
        go(&contact, &ticket, beyond, "050").await.problem(403, "forbidden");
    }
    let closed = go(&contact, &ticket, json!({"resolution": "It works now"}), "050").await;
    let closed = closed.expect(200);
    assert_eq!(closed["status"]["label"], "Closed");
    assert_eq!(
        (&closed["resolution"], closed["closed_at"].is_string()),
        (&json!("It works now"), true)
    );
    go(&contact, &ticket, json!({}), "017").await.problem(409, "transition_not_allowed");
}

async fn reply(caller: &Client, ticket: &Value) -> crate::support::Reply {
    caller.post(&path(ticket, "/notes"), json!({"body": "Thank you"})).await
}

#[actix_web::test]
async fn a_customers_reply_moves_the_ticket_and_the_desks_does_not() {
    let app = TestApp::start().await;
    let (contact, agent) =
        (app.contact("Operations contact").await, app.agent("Coordinator").await);
    for (from, to) in [
        ("013", "014"),
        ("035", "017"),
        ("045", "017"),
        ("030", "030"),
        ("099", "099"),
        ("050", "017"),
    ] {
        let ticket = app.advance_to(&app.open_ticket(json!({})).await, from).await;
        reply(&agent, &ticket).await.expect(201);
        assert_eq!(app.read(&ticket).await["status"]["code"], from);
        reply(&contact, &ticket).await.expect(201);
        let now = app.read(&ticket).await;
        assert_eq!(now["status"]["code"], to);
        assert_eq!(now["note_count"].as_i64(), ticket["note_count"].as_i64().map(|n| n + 2));
        let event = history(&agent, &ticket).await.pop().unwrap();
        assert_eq!(event["type"], "ticket.note_added");
        assert_eq!(event["changes"].get("status").is_some(), from != to);
    }
}

#[actix_web::test]
async fn a_closed_ticket_is_reopened_within_30_days_only() {
    let app = TestApp::start().await;
    let (contact, agent) =
        (app.contact("Purchasing contact").await, app.agent("Coordinator").await);
    let closed_ago = |ticket: &Value, days: u8| {
        let id = ticket["id"].as_str().unwrap();
        format!("update tickets set closed_at = now() - interval '{days} days' where id = '{id}'")
    };
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    app.sql(closed_ago(&ticket, 31)).await.unwrap();
    go(&agent, &ticket, json!({}), "017").await.problem(409, "reopen_window_over");
    let over = app.read(&ticket).await;
    assert_eq!((&over["allowed_transitions"], &over["note_count"]), (&json!([]), &json!(0)));

    app.sql(closed_ago(&ticket, 29)).await.unwrap();
    reply(&contact, &ticket).await.expect(201);
    let reopened = app.read(&ticket).await;
    assert_eq!(
        (&reopened["status"]["code"], &reopened["reopen_count"]),
        (&json!("017"), &json!(1))
    );
    assert_eq!(reopened["closed_at"], Value::Null);
    go(&agent, &ticket, json!({"resolution": "Again"}), "050").await.expect(200);
    app.sql(closed_ago(&ticket, 29)).await.unwrap();
    let again = go(&agent, &ticket, json!({}), "017").await.expect(200);
    assert_eq!(again["reopen_count"], 2);
}
