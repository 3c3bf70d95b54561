//! Who gets a ticket, and why.
use serde_json::{Value, json};

use super::{go, history};
use crate::support::{Client, Reply, TestApp, path, pointers};

const LEVEL_1: &[&str] = &["L1 agent A", "L1 agent B"];

async fn assign(caller: &Client, ticket: &Value, body: Value) -> Reply {
    caller.post_on(&path(ticket, "/assignment"), "*", body).await
}

async fn explanation(app: &TestApp, ticket: &Value, query: &str) -> Value {
    let at = path(ticket, &format!("/assignment{query}"));
    app.agent("Coordinator").await.get(&at).await.expect(200)
}

/// Name and verdict of every candidate.
fn verdicts(decision: &Value) -> Vec<(&str, &str)> {
    let candidates = decision["candidates"].as_array().unwrap().iter();
    candidates.map(|c| (c["name"].as_str().unwrap(), c["verdict"].as_str().unwrap())).collect()
}

#[actix_web::test]
async fn the_least_loaded_gets_the_next_ticket_and_ties_are_spread() {
    let app = TestApp::start().await;
    let mut first = Vec::new();
    for round in 1..=6 {
        for turn in 0..2 {
            let ticket = app.open_ticket(json!({})).await;
            if turn == 0 {
                first.push(ticket["assignee_id"].clone());
            }
        }
        assert_eq!((app.load(LEVEL_1[0]).await, app.load(LEVEL_1[1]).await), (round, round));
    }
    for _ in 0..12 {
        let ticket = app.open_ticket(json!({})).await;
        first.push(ticket["assignee_id"].clone());
        app.sql("update tickets set deleted_at = now()").await.unwrap();
    }
    // 18 fair coins: one in 100,000 runs would have them all alike.
    assert!(first.iter().any(|agent| *agent != first[0]), "{first:?}");
    app.loads_are_true().await;
}

#[actix_web::test]
async fn nobody_absent_full_or_not_permitted_is_given_a_ticket() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let at = format!("/v1/agents/{}", app.id("agents", "L1 agent B").await);
    let never = json!([]);
    let back = json!({"working_hours": null, "capacity": 20, "type_keys": null, "product_ids": null, "category_ids": null, "active": true, "levels": ["L1"]});
    for (change, verdict) in [
        (json!({"working_hours": never}), "unavailable"),
        (json!({"capacity": 0}), "at_capacity"),
        (json!({"type_keys": ["incident"]}), "not_permitted"),
        (json!({"product_ids": []}), "not_permitted"),
        (json!({"active": false}), ""),
        (json!({"levels": ["L2"]}), ""),
    ] {
        admin.patch(&at, "*", change.clone()).await.expect(200);
        let ticket = app.open_ticket(json!({})).await;
        assert_eq!(ticket["assignee_id"], app.id("agents", "L1 agent A").await, "{change}");
        let decision = &explanation(&app, &ticket, "").await["decisions"][0];
        let seen = verdicts(decision);
        let other = seen.iter().find(|(name, _)| *name == "L1 agent B").map_or("", |(_, v)| v);
        assert_eq!(other, verdict, "{change}");
        assert!(seen.contains(&("L1 agent A", "chosen")));
        admin.patch(&at, "*", back.clone()).await.expect(200);
    }
    let availability = format!("{at}/availability");
    for gone in
        [json!({"away": true}), json!({"away": false, "leave_until": "2099-01-01T00:00:00Z"})]
    {
        admin.put(&availability, gone).await.expect(200);
        let ticket = app.open_ticket(json!({})).await;
        assert_eq!(ticket["assignee_id"], app.id("agents", "L1 agent A").await);
    }
    admin
        .put(&availability, json!({"away": false, "leave_until": "2020-01-01T00:00:00Z"}))
        .await
        .expect(200);
    let ticket = app.open_ticket(json!({})).await;
    assert_eq!(ticket["assignee_id"], app.id("agents", "L1 agent B").await, "back from leave");
}

#[actix_web::test]
async fn waiting_tickets_go_to_whoever_comes_back_most_urgent_first() {
    let app = TestApp::start().await;
    app.set_away(LEVEL_1, true).await;
    let admin = app.agent("Administrator").await;
    let at = format!("/v1/agents/{}", app.id("agents", "L1 agent A").await);
    admin.patch(&at, "*", json!({"capacity": 3})).await.expect(200);
    let mut tickets = Vec::new();
    for priority in ["low", "normal", "critical", "normal", "high"] {
        tickets.push(app.open_ticket(json!({"priority": priority})).await);
    }
    app.assign_waiting().await;
    assert_eq!(app.load("L1 agent A").await, 0);
    let decision = &explanation(&app, &tickets[0], "").await["decisions"][0];
    assert_eq!(decision["rule"], "waiting");
    assert_eq!(verdicts(decision), [("L1 agent A", "unavailable"), ("L1 agent B", "unavailable")]);

    app.set_away(&["L1 agent A"], false).await;
    app.assign_waiting().await;
    let mut given = Vec::new();
    for ticket in &tickets {
        given.push(app.read(ticket).await["assignee_id"].is_string());
    }
    assert_eq!(given, [false, true, true, false, true]);
    let event = history(&admin, &tickets[2]).await.pop().unwrap();
    assert_eq!((&event["type"], &event["origin"]), (&json!("ticket.assigned"), &json!("timer")));

    go(&admin, &app.advance_to(&tickets[2], "012").await, json!({"resolution": "x"}), "050")
        .await
        .expect(200);
    app.assign_waiting().await;
    assert!(app.read(&tickets[3]).await["assignee_id"].is_string(), "closing made room");
    assert_eq!(app.load("L1 agent A").await, 3);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn a_ticket_that_nobody_may_take_does_not_hold_up_the_others() {
    let app = TestApp::start().await;
    app.set_away(LEVEL_1, true).await;
    let admin = app.agent("Administrator").await;
    let at = format!("/v1/agents/{}", app.id("agents", "L1 agent A").await);
    admin.patch(&at, "*", json!({"type_keys": ["question"]})).await.expect(200);
    let urgent = app.open_ticket(json!({"type": "incident", "priority": "critical"})).await;
    let plain = app.open_ticket(json!({})).await;
    app.set_away(&["L1 agent A"], false).await;
    app.assign_waiting().await;
    assert_eq!(app.read(&urgent).await["assignee_id"], Value::Null);
    assert!(app.read(&plain).await["assignee_id"].is_string());
}

#[actix_web::test]
async fn a_ticket_that_is_ready_waits_for_its_agent_and_goes_on() {
    let app = TestApp::start().await;
    app.set_away(LEVEL_1, true).await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "016").await;
    assert_eq!((&ticket["status"]["code"], &ticket["assignee_id"]), (&json!("016"), &Value::Null));
    app.set_away(LEVEL_1, false).await;
    app.assign_waiting().await;
    let given = app.read(&ticket).await;
    assert_eq!(given["status"]["code"], "020");
    assert_eq!(given["version"].as_i64(), ticket["version"].as_i64().map(|v| v + 1));
}

#[actix_web::test]
async fn a_ticket_is_given_to_somebody_to_oneself_to_nobody_or_to_the_least_loaded() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent B").await);
    let ticket = app.open_ticket(json!({})).await;
    let (a, b) = (app.id("agents", "L1 agent A").await, app.id("agents", "L1 agent B").await);
    let nobody =
        assign(&coordinator, &ticket, json!({"agent_id": null, "reason": "wrong one"})).await;
    assert_eq!(nobody.expect(200)["assignee_id"], Value::Null);
    app.loads_are_true().await;
    // Somebody insists: being away does not matter.
    app.set_away(&["L1 agent A"], true).await;
    let chosen = json!({"agent_id": a, "reason": "knows this customer", "override": true});
    assert_eq!(assign(&coordinator, &ticket, chosen.clone()).await.expect(200)["assignee_id"], a);
    let before = app.read(&ticket).await;
    assert_eq!(assign(&coordinator, &ticket, chosen).await.expect(200), before, "nothing changed");
    assert_eq!(assign(&agent, &ticket, json!({"agent_id": b})).await.expect(200)["assignee_id"], b);
    assign(&coordinator, &ticket, json!({"agent_id": null})).await.expect(200);
    assert_eq!(assign(&coordinator, &ticket, json!({})).await.expect(200)["assignee_id"], b);

    let explained = explanation(&app, &ticket, "").await;
    let decisions = explained["decisions"].as_array().unwrap();
    let rules: Vec<&str> = decisions.iter().map(|d| d["rule"].as_str().unwrap()).collect();
    let opened = "least_loaded";
    assert_eq!(rules, ["least_loaded", "manual", "self", "manual", "manual", opened]);
    assert_eq!(decisions[3]["reason"], "knows this customer");
    assert_eq!(decisions[2]["previous_agent_id"], a);
    assert_eq!(decisions[2]["decided_by_name"], "L1 agent B");

    let stranger = json!({"agent_id": uuid::Uuid::nil()});
    assert_eq!(pointers(assign(&coordinator, &ticket, stranger).await), ["/agent_id"]);
    let contact = app.contact("Purchasing contact").await;
    assign(&contact, &ticket, json!({})).await.problem(403, "forbidden");
    let closed = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    assign(&coordinator, &closed, json!({"agent_id": a})).await.problem(409, "ticket_closed");
    let transfer = json!({"agent_id": a});
    let refused = coordinator.post_on(&path(&closed, "/transfer"), "*", transfer).await;
    refused.problem(409, "ticket_closed");
    app.loads_are_true().await;
}

#[actix_web::test]
async fn a_ticket_that_is_ready_can_be_put_back_into_the_queue() {
    let app = TestApp::start().await;
    app.set_away(LEVEL_1, true).await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "016").await;
    app.set_away(LEVEL_1, false).await;
    let coordinator = app.agent("Coordinator").await;
    let same = assign(&coordinator, &ticket, json!({"agent_id": null})).await.expect(200);
    assert_eq!((&same["status"]["code"], &same["assignee_id"]), (&json!("016"), &Value::Null));
}

#[actix_web::test]
async fn a_dry_run_tells_who_would_get_it_and_changes_nothing() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let holder = if ticket["assignee_id"] == app.id("agents", LEVEL_1[0]).await {
        LEVEL_1[0]
    } else {
        LEVEL_1[1]
    };
    let other = if holder == LEVEL_1[0] { LEVEL_1[1] } else { LEVEL_1[0] };
    let explained = explanation(&app, &ticket, "?dry_run=true").await;
    let would = &explained["dry_run"];
    assert_eq!(would["agent_id"], app.id("agents", other).await);
    assert!(verdicts(would).contains(&(holder, "eligible")));
    assert!(verdicts(would).contains(&(other, "chosen")));
    assert_eq!(explained["decisions"].as_array().unwrap().len(), 1);
    assert_eq!(explanation(&app, &ticket, "").await["dry_run"], Value::Null);
    assert_eq!(app.read(&ticket).await, ticket);
    assert_eq!((app.load(holder).await, app.load(other).await), (1, 0));
}

#[actix_web::test]
async fn closing_lowers_the_load_and_a_reopened_ticket_goes_back_to_its_agent() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    assert_eq!(app.number("select sum(open_tickets) as number from agents").await, 0);
    let name = if ticket["assignee_id"] == app.id("agents", LEVEL_1[0]).await {
        LEVEL_1[0]
    } else {
        LEVEL_1[1]
    };
    // Somebody else would be the least loaded.
    let busy = app.open_ticket(json!({})).await;
    let to = json!({"agent_id": ticket["assignee_id"]});
    assign(&app.agent("Coordinator").await, &busy, to).await.expect(200);
    let reply = json!({"body": "It is back"});
    contact.post(&path(&ticket, "/notes"), reply.clone()).await.expect(201);
    let reopened = app.read(&ticket).await;
    assert_eq!(reopened["assignee_id"], ticket["assignee_id"]);
    assert_eq!(app.load(name).await, 2);
    assert_eq!(explanation(&app, &ticket, "").await["decisions"][0]["rule"], "returned");

    let coordinator = app.agent("Coordinator").await;
    go(&coordinator, &ticket, json!({"resolution": "x"}), "050").await.expect(200);
    app.set_away(&[name], true).await;
    contact.post(&path(&ticket, "/notes"), reply).await.expect(201);
    let moved = app.read(&ticket).await;
    assert!(moved["assignee_id"].is_string() && moved["assignee_id"] != ticket["assignee_id"]);
    assert_eq!(app.load(name).await, 1);
    app.loads_are_true().await;
}
