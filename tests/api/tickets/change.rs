//! Change, delete and restore.
use reqwest::Method;
use serde_json::{Value, json};

use super::{go, history};
use crate::support::{Reply, TestApp, path, pointers};

#[actix_web::test]
async fn the_originals_never_change() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let coordinator = app.agent("Coordinator").await;
    let change = json!({
        "subject": "x", "description": "x", "account_id": ticket["account_id"], "product_id": null, "priority": "low"
    });
    let refused = coordinator.patch(&path(&ticket, ""), "*", change).await;
    assert_eq!(pointers(refused), ["/subject", "/description", "/account_id", "/product_id"]);
    assert_eq!(app.read(&ticket).await, ticket);

    let note = json!({"body": "Hello"});
    coordinator.post(&path(&ticket, "/notes"), note).await.expect(201);
    for statement in [
        "update tickets set subject = 'x'",
        "update tickets set description = 'x'",
        "update notes set body = 'x'",
        "delete from notes",
    ] {
        let refused = app.sql(statement).await.unwrap_err();
        assert!(format!("{refused:?}").contains("append-only"), "{statement}: {refused:?}");
    }
}

#[actix_web::test]
async fn a_change_needs_the_version_that_was_seen() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (coordinator, at) = (app.agent("Coordinator").await, path(&ticket, ""));
    let high = json!({"priority": "high"});
    let blind = coordinator.request(Method::PATCH, &at).json(&high);
    Reply::of(blind).await.problem(428, "precondition_required");
    let changed = coordinator.patch(&at, "\"v1\"", high.clone()).await;
    assert_eq!(changed.header("etag"), "\"v2\"");
    assert_eq!(changed.expect(200)["priority"], "high");
    coordinator
        .patch(&at, "\"v1\"", json!({"priority": "low"}))
        .await
        .problem(412, "stale_version");
    let again = coordinator.patch(&at, "\"v2\"", high).await;
    assert_eq!(again.header("etag"), "\"v2\"", "nothing changed");
    assert_eq!(history(&coordinator, &ticket).await.len(), 2);
    for (rest, body) in [
        ("/transitions", json!({"to": "012"})),
        ("/assignment", json!({})),
        ("/transfer", json!({})),
        ("/elevations", json!({"to": "L2", "reason": "r", "tried": "t"})),
        ("/submission", json!({})),
        ("/restoration", json!({})),
    ] {
        let at = path(&ticket, rest);
        coordinator.post(&at, body.clone()).await.problem(428, "precondition_required");
        coordinator.post_on(&at, "\"v1\"", body).await.problem(412, "stale_version");
    }

    let seen = |etag: &'static str| {
        let request = coordinator.request(Method::GET, &at).header("if-none-match", etag);
        async move { Reply::of(request).await.status }
    };
    assert_eq!((seen("\"v2\"").await, seen("\"v1\"").await), (304, 200));
}

#[actix_web::test]
async fn every_field_changes_and_clears_with_one_event_that_says_so() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (coordinator, at) = (app.agent("Coordinator").await, path(&ticket, ""));
    let change = json!({
        "priority": "critical", "type": "incident", "url": "https://app.example/7", "tags": ["a", "b"],
        "deadline": "2030-01-02T03:04:05Z", "vendor_reference": "MS-1",
        "category_id": app.id("categories", "General").await,
        "contact_id": app.id("contacts", "Operations contact").await,
    });
    let changed = coordinator.patch(&at, "*", change.clone()).await.expect(200);
    for (field, value) in change.as_object().unwrap() {
        assert_eq!(&changed[field], value, "{field}");
    }
    let event = history(&coordinator, &ticket).await.pop().unwrap();
    let told: Vec<&String> = event["changes"].as_object().unwrap().keys().collect();
    // Who chooses a priority chooses it by hand.
    let manual = "priority_manual".to_owned();
    let mut changed: Vec<&String> = change.as_object().unwrap().keys().chain([&manual]).collect();
    changed.sort();
    assert_eq!(told, changed);
    assert_eq!(event["changes"]["priority"], json!({"from": "normal", "to": "critical"}));

    let clear = json!({
        "url": null, "tags": [], "deadline": null, "vendor_reference": null, "category_id": null, "contact_id": null
    });
    let cleared = coordinator.patch(&at, "*", clear.clone()).await.expect(200);
    for (field, value) in clear.as_object().unwrap() {
        assert_eq!(&cleared[field], value, "{field}");
    }
}

#[actix_web::test]
async fn a_change_leaves_a_ticket_complete_and_its_parties_fitting() {
    let app = TestApp::start().await;
    let category = app.id("categories", "General").await;
    let about = json!({"product_id": null, "category_id": category});
    let ticket = app.open_ticket(about).await;
    let (coordinator, at) = (app.agent("Coordinator").await, path(&ticket, ""));
    let nobody = uuid::Uuid::nil();
    for (change, pointer) in [
        (json!({"category_id": null}), "/product_id"),
        (json!({"category_id": nobody}), "/category_id"),
        (json!({"contact_id": app.id("contacts", "Finance contact").await}), "/contact_id"),
        (json!({"component_id": nobody}), "/component_id"),
        (json!({"type": "riddle"}), "/type"),
    ] {
        assert_eq!(
            pointers(coordinator.patch(&at, "*", change.clone()).await),
            [pointer],
            "{change}"
        );
    }
    assert_eq!(app.read(&ticket).await, ticket);
    let contact = app.contact("Purchasing contact").await;
    let refused = contact.patch(&at, "*", json!({"priority": "critical"})).await;
    assert_eq!(refused.problem(403, "forbidden")["required_permission"], "tickets:work");
}

#[actix_web::test]
async fn another_component_routes_the_ticket_to_somebody_who_works_there() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let component = app.id("components", "Data").await;
    let change = json!({"component_id": component});
    let coordinator = app.agent("Coordinator").await;
    let moved = coordinator.patch(&path(&ticket, ""), "*", change).await.expect(200);
    let level_2 = [app.id("agents", "L2 agent A").await, app.id("agents", "L2 agent B").await];
    assert_eq!(moved["level"], "L2");
    assert!(level_2.contains(&moved["assignee_id"].as_str().unwrap().to_owned()));
    app.loads_are_true().await;
}

#[actix_web::test]
async fn a_deleted_ticket_leaves_every_list_and_can_be_restored_for_30_days() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({})).await;
    let (coordinator, at) = (app.agent("Coordinator").await, path(&ticket, ""));
    let agent = app.agent("L1 agent A").await;
    let refused = agent.delete(&at, "*").await.problem(403, "forbidden");
    assert_eq!(refused["required_permission"], "tickets:delete");
    coordinator.delete(&at, "\"v9\"").await.problem(412, "stale_version");
    assert_eq!(coordinator.delete(&at, "\"v1\"").await.status, 204);
    agent.get(&at).await.problem(404, "not_found");
    app.contact("Purchasing contact").await.get(&at).await.problem(404, "not_found");
    assert!(coordinator.get(&at).await.expect(200)["deleted_at"].is_string());
    assert_eq!(coordinator.get("/v1/tickets").await.expect(200)["items"], json!([]));
    app.loads_are_true().await;

    app.follow_automatic().await;
    let note = coordinator.post(&path(&ticket, "/notes"), json!({"body": "Hello"})).await;
    note.problem(409, "ticket_deleted");
    coordinator.patch(&at, "*", json!({"priority": "low"})).await.problem(409, "ticket_deleted");
    coordinator.delete(&at, "*").await.problem(409, "ticket_deleted");
    assert_eq!(app.read(&ticket).await["version"], 2, "nothing happens to a deleted ticket");

    let restore = path(&ticket, "/restoration");
    let days = |days: u8| format!("update tickets set deleted_at = now() - interval '{days} days'");
    app.sql(days(31)).await.unwrap();
    coordinator.post_on(&restore, "*", json!({})).await.problem(409, "restore_window_over");
    app.sql(days(29)).await.unwrap();
    let restored = coordinator.post_on(&restore, "*", json!({})).await.expect(200);
    assert_eq!((&restored["deleted_at"], &restored["version"]), (&Value::Null, &json!(3)));
    coordinator.post_on(&restore, "*", json!({})).await.problem(409, "not_deleted");
    app.loads_are_true().await;
    assert_eq!(app.number("select sum(open_tickets) as number from agents").await, 1);
}

#[actix_web::test]
async fn history_has_exactly_one_event_for_each_version() {
    let app = TestApp::start().await;
    let ticket = app.advance_to(&app.open_ticket(json!({})).await, "045").await;
    let coordinator = app.agent("Coordinator").await;
    go(&coordinator, &ticket, json!({"resolution": "Solved"}), "050").await.expect(200);
    app.contact("Purchasing contact")
        .await
        .post(&path(&ticket, "/notes"), json!({"body": "No"}))
        .await
        .expect(201);
    let events = history(&coordinator, &ticket).await;
    let versions: Vec<i64> = events.iter().map(|e| e["ticket_version"].as_i64().unwrap()).collect();
    let now = app.read(&ticket).await["version"].as_i64().unwrap();
    assert_eq!(versions, (1..=now).collect::<Vec<_>>());
    assert!(
        events.iter().all(|event| event["changes"].as_object().is_some_and(|c| !c.is_empty())),
        "{events:#?}"
    );
    let page = coordinator.get(&path(&ticket, "/history?limit=2")).await.expect(200);
    let next = page["next"].as_str().unwrap();
    let second = coordinator.get(&path(&ticket, &format!("/history?limit=2&cursor={next}"))).await;
    assert_eq!(second.expect(200)["items"], json!(events[2..4]));
}

#[actix_web::test]
async fn a_deadline_is_answered_and_told_as_exactly_as_it_is_kept() {
    let app = TestApp::start().await;
    let caller = app.agent("Coordinator").await;
    let given = json!({"deadline": "2030-05-06T07:08:09.123456789Z"});
    let kept = "2030-05-06T07:08:09.123456Z";
    let opened = app.open_ticket(given.clone()).await;
    assert_eq!(opened["deadline"], kept);
    let again = caller.patch(&path(&opened, ""), "*", given.clone()).await.expect(200);
    assert_eq!((&again["version"], &again["deadline"]), (&json!(1), &json!(kept)));
    caller.patch(&path(&opened, ""), "*", json!({"deadline": null})).await.expect(200);
    caller.patch(&path(&opened, ""), "*", given).await.expect(200);
    let later = json!({"deadline": "2030-05-06T07:08:10.123456789Z"});
    let later = caller.post(&path(&opened, "/delay"), later).await.expect(200);
    assert_eq!(later["deadline"], "2030-05-06T07:08:10.123456Z");
    let told = history(&caller, &opened).await;
    let deadlines = told.iter().map(|event| event["changes"]["deadline"].clone());
    let deadlines: Vec<_> = deadlines.collect();
    for (one, next) in deadlines.iter().zip(&deadlines[1..]) {
        assert_eq!(one["to"], next["from"], "{deadlines:?}");
    }
}
