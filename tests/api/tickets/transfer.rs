//! A ticket goes to other people, or to the next level.
use serde_json::json;

use super::history;
use crate::support::{TestApp, path, pointers};

#[actix_web::test]
async fn a_transfer_is_one_event_and_its_parties_fit() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/transfer");
    let harbor = app.id("accounts", "Harbor Logistics").await;
    let agent = app.id("agents", "L2 agent A").await;
    for (body, wrong) in [
        (json!({"account_id": harbor}), "/contact_id"),
        (
            json!({"account_id": uuid::Uuid::nil(), "contact_id": null, "product_id": null, "category_id": app.id("categories", "General").await}),
            "/account_id",
        ),
        (json!({"product_id": uuid::Uuid::nil()}), "/product_id"),
        (json!({"product_id": null}), "/product_id"),
        (json!({"category_id": uuid::Uuid::nil()}), "/category_id"),
        (json!({"agent_id": uuid::Uuid::nil()}), "/agent_id"),
    ] {
        let refused = coordinator.post_on(&at, "*", body.clone()).await;
        assert_eq!(pointers(refused), [wrong], "{body}");
    }
    assert_eq!(app.read(&ticket).await, ticket);
    let same = coordinator.post_on(&at, "*", json!({})).await;
    assert_eq!(same.expect(200)["version"], 1);

    let body = json!({
        "account_id": harbor, "contact_id": app.id("contacts", "Finance contact").await, "agent_id": agent,
        "note": {"body": "Opened for the wrong customer", "visibility": "internal"},
    });
    let moved = coordinator.post_on(&at, "*", body).await.expect(200);
    assert_eq!((&moved["account_id"], &moved["assignee_id"]), (&json!(harbor), &json!(agent)));
    assert_eq!((&moved["version"], &moved["note_count"]), (&json!(2), &json!(1)));
    let events = history(&coordinator, &ticket).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["type"], "ticket.transferred");
    let told: Vec<&String> = events[1]["changes"].as_object().unwrap().keys().collect();
    assert_eq!(told, ["account_id", "assignee_id", "contact_id"]);
    app.contact("Purchasing contact").await.get(&path(&ticket, "")).await.problem(404, "not_found");
    app.loads_are_true().await;
    let draft = app.open_ticket(json!({"draft": true})).await;
    let refused = coordinator.post_on(&path(&draft, "/transfer"), "*", json!({})).await;
    refused.problem(409, "not_submitted");
}

#[actix_web::test]
async fn an_elevation_is_recorded_and_assigned_within_the_new_level() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let at = path(&ticket, "/elevations");
    let body = json!({"to": "L2", "reason": "Needs the database", "tried": "Restarted it"});
    let moved =
        app.agent("L1 agent A").await.post_on(&at, "\"v1\"", body.clone()).await.expect(200);
    assert_eq!((&moved["level"], &moved["version"]), (&json!("L2"), &json!(2)));
    let level_2 = [app.id("agents", "L2 agent A").await, app.id("agents", "L2 agent B").await];
    assert!(level_2.contains(&moved["assignee_id"].as_str().unwrap().to_owned()));
    let recorded = coordinator.get(&at).await.expect(200);
    assert_eq!(recorded.as_array().unwrap().len(), 1);
    let one = &recorded[0];
    assert_eq!([&one["from"], &one["to"]], ["L1", "L2"]);
    assert_eq!(
        [&one["reason"], &one["tried"], &one["elevated_by_name"]],
        ["Needs the database", "Restarted it", "L1 agent A"]
    );
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    assert_eq!(event["type"], "ticket.elevated");
    let explained = coordinator.get(&path(&ticket, "/assignment")).await.expect(200);
    let decision = &explained["decisions"][0];
    assert_eq!(decision["reason"], "elevated to L2");
    app.loads_are_true().await;
    assert_eq!(pointers(coordinator.post_on(&at, "*", body).await), ["/to"]);
    assert_eq!(app.number("select count(*) as number from elevations").await, 1);
}
