//! From one level of support to another, and back.
use futures_util::future::join;
use serde_json::{Value, json};

use super::{go, history};
use crate::support::{Client, Reply, TestApp, path, pointers};

async fn elevate(caller: &Client, ticket: &Value, to: &str) -> Reply {
    let body = json!({"to": to, "reason": "Beyond us", "tried": "A restart"});
    caller.post_on(&path(ticket, "/elevations"), "*", body).await
}

async fn recorded(app: &TestApp, ticket: &Value) -> Vec<Value> {
    let list = app.agent("Coordinator").await.get(&path(ticket, "/elevations")).await;
    list.expect(200).as_array().unwrap().clone()
}

fn step(recorded: &Value) -> [&str; 3] {
    ["kind", "from", "to"].map(|field| recorded[field].as_str().unwrap())
}

#[actix_web::test]
async fn a_ticket_climbs_to_the_third_line_and_comes_back_and_its_clock_goes_on() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "030").await;
    elevate(&coordinator, &ticket, "L2").await.expect(200);
    let third = elevate(&coordinator, &ticket, "third_line").await.expect(200);
    assert_eq!((&third["level"], &third["status"]["code"]), (&json!("third_line"), &json!("031")));
    assert_eq!(third["status"]["awaiting"], "third_line");
    assert_eq!(third["assignee_id"], app.id("agents", "Third line agent A").await);
    // The workflow wants an internal note on the way: it says why.
    let notes = coordinator.get(&path(&ticket, "/notes")).await.expect(200);
    let note = notes["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(note["visibility"], "internal");
    assert_eq!(note["body"], "Beyond us\n\nTried: A restart");
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["note_id"]),
        (&json!("ticket.elevated"), &note["id"])
    );

    let back = json!({"to": "L2", "reason": "Found the cause"});
    let back = coordinator.post_on(&path(&ticket, "/elevations"), "*", back).await.expect(200);
    assert_eq!((&back["level"], &back["status"]["code"]), (&json!("L2"), &json!("030")));
    let level_2 = [app.id("agents", "L2 agent A").await, app.id("agents", "L2 agent B").await];
    assert!(level_2.contains(&back["assignee_id"].as_str().unwrap().to_owned()));
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["type"], "ticket.de_elevated");
    for clock in ["created_at", "submitted_at", "closed_at"] {
        assert_eq!(back[clock], ticket[clock]);
    }
    let recorded = recorded(&app, &ticket).await;
    assert_eq!(
        recorded.iter().map(step).collect::<Vec<_>>(),
        [
            ["elevation", "L1", "L2"],
            ["elevation", "L2", "third_line"],
            ["de_elevation", "third_line", "L2"]
        ]
    );
    assert_eq!(
        (&recorded[2]["reason"], &recorded[2]["tried"]),
        (&json!("Found the cause"), &Value::Null)
    );
    app.loads_are_true().await;
}

#[actix_web::test]
async fn where_the_workflow_has_no_way_only_the_level_changes() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "020").await;
    elevate(&coordinator, &ticket, "L2").await.expect(200);
    let third = elevate(&coordinator, &ticket, "third_line").await.expect(200);
    assert_eq!((&third["level"], &third["status"]["code"]), (&json!("third_line"), &json!("020")));
    assert_eq!(third["note_count"], 0);
}

#[actix_web::test]
async fn a_level_without_anybody_lets_the_ticket_wait_and_whoever_comes_gets_it() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "030").await;
    app.set_away(&["Third line agent A"], true).await;
    elevate(&coordinator, &ticket, "L2").await.expect(200);
    let third = elevate(&coordinator, &ticket, "third_line").await.expect(200);
    assert_eq!(third["assignee_id"], Value::Null);
    app.set_away(&["Third line agent A"], false).await;
    app.assign_waiting().await;
    let now = app.read(&ticket).await;
    assert_eq!(now["assignee_id"], app.id("agents", "Third line agent A").await);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn no_level_is_left_out_and_none_below_the_components_own_is_reached() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    for to in ["third_line", "L1", "external"] {
        assert_eq!(pointers(elevate(&coordinator, &ticket, to).await), ["/to"], "{to}");
    }
    let untried = json!({"to": "L2", "reason": "Beyond us"});
    let untried = coordinator.post_on(&path(&ticket, "/elevations"), "*", untried).await;
    assert_eq!(pointers(untried), ["/tried"]);
    let data = app.id("components", "Data").await;
    let level_2 = app.open_ticket(json!({"component_id": data})).await;
    assert_eq!(level_2["level"], "L2");
    assert_eq!(pointers(elevate(&coordinator, &level_2, "L1").await), ["/to"]);
    let outside = app.id("components", "Reporting").await;
    let outside = app.open_ticket(json!({"component_id": outside})).await;
    assert_eq!(pointers(elevate(&coordinator, &outside, "L2").await), ["/to"]);
    let closed = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    elevate(&coordinator, &closed, "L2").await.problem(409, "ticket_closed");
    assert_eq!(recorded(&app, &ticket).await, Vec::<Value>::new());
    assert_eq!(app.read(&ticket).await["level"], "L1");
}

#[actix_web::test]
async fn a_change_of_the_component_that_changes_the_level_is_recorded() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let to =
        |name: &'static str| async { json!({"component_id": app.id("components", name).await}) };
    let same = coordinator.patch(&path(&ticket, ""), "*", to("Application").await).await;
    assert_eq!(same.expect(200)["level"], "L1");
    assert_eq!(recorded(&app, &ticket).await, Vec::<Value>::new());
    elevate(&coordinator, &ticket, "L2").await.expect(200);
    // It is where it belongs by now: the elevation is over.
    coordinator.patch(&path(&ticket, ""), "*", to("Data").await).await.expect(200);
    assert_eq!(pointers(elevate(&coordinator, &ticket, "L1").await), ["/to"]);
    let moved = coordinator.patch(&path(&ticket, ""), "*", to("Application").await).await;
    assert_eq!(moved.expect(200)["level"], "L1");
    let recorded = recorded(&app, &ticket).await;
    assert_eq!(
        recorded.iter().map(step).collect::<Vec<_>>(),
        [["elevation", "L1", "L2"], ["rerouting", "L2", "L2"], ["rerouting", "L2", "L1"]]
    );
    let reason = recorded[2]["reason"].as_str().unwrap();
    assert!(reason.contains("Application") && reason.contains("L1"), "{reason}");
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["changes"]["level"], json!({"from": "L2", "to": "L1"}));
    assert_eq!(event["data"]["routed"], reason);
    let plain = app.open_ticket(json!({})).await;
    coordinator.patch(&path(&plain, ""), "*", to("Data").await).await.expect(200);
    let recorded = self::recorded(&app, &plain).await;
    assert_eq!(recorded.iter().map(step).collect::<Vec<_>>(), [["rerouting", "L1", "L2"]]);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn an_elevation_and_an_assignment_at_once_leave_true_loads() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    for _ in 0..8 {
        let ticket = app.open_ticket(json!({})).await;
        let body = json!({"to": "L2", "reason": "r", "tried": "t"});
        let (elevations, assignment) = (path(&ticket, "/elevations"), path(&ticket, "/assignment"));
        let to = json!({"agent_id": app.id("agents", "L1 agent B").await, "reason": "mine"});
        let (elevated, assigned) = join(
            coordinator.post_on(&elevations, "\"v1\"", body),
            coordinator.post_on(&assignment, "\"v1\"", to),
        )
        .await;
        let mut statuses = [elevated.status, assigned.status];
        statuses.sort_unstable();
        // Who has it already is given nothing: then both see the first version.
        let held = ticket["assignee_id"] == app.id("agents", "L1 agent B").await;
        assert!(statuses == [200, 412] || held && statuses == [200, 200], "{statuses:?}");
    }
    app.loads_are_true().await;
}

#[actix_web::test]
async fn who_may_not_see_a_ticket_elevates_nothing() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    elevate(&app.agent("Business analyst A").await, &ticket, "L2").await.problem(404, "not_found");
    for name in ["Purchasing contact", "Warehouse contact"] {
        let contact = app.contact(name).await;
        elevate(&contact, &ticket, "L2").await.problem(403, "forbidden");
        contact.get(&path(&ticket, "/elevations")).await.problem(403, "forbidden");
    }
    let closed =
        go(&app.agent("Coordinator").await, &ticket, json!({"resolution": "x"}), "050").await;
    closed.problem(409, "transition_not_allowed");
}
