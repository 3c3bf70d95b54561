//! Several operations in one request.
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::history;
use crate::support::{Client, Reply, TestApp, path, pointers};

async fn batch(caller: &Client, items: Value) -> Vec<Value> {
    let reply = caller.post("/v1/tickets:batch", json!({"items": items})).await;
    reply.expect(207)["items"].as_array().unwrap().clone()
}

async fn keyed(caller: &Client, key: &str, items: &Value) -> Reply {
    let request = caller.request(Method::POST, "/v1/tickets:batch").header("idempotency-key", key);
    Reply::of(request.json(&json!({"items": items}))).await
}

fn statuses(outcomes: &[Value]) -> Vec<u64> {
    outcomes.iter().map(|outcome| outcome["status"].as_u64().unwrap()).collect()
}

#[actix_web::test]
async fn each_operation_has_its_outcome_in_the_order_of_the_request() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let (one, two) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    let (one, two) = (app.advance_to(&one, "030").await, app.advance_to(&two, "030").await);
    let (id, other) = (&one["id"], &two["id"]);
    let successor = app.id("agents", "L1 agent B").await;
    let outcomes = batch(
        &agent,
        json!([
            {"operation": "open", "body": app.new_ticket(json!({"subject": "From the batch"})).await},
            {"operation": "patch", "id": id, "version": one["version"], "body": {"priority": "high"}},
            {"operation": "patch", "id": id, "version": one["version"], "body": {"priority": "low"}},
            {"operation": "tags", "id": id, "body": {"add": ["vip"], "remove": ["none"]}},
            {"operation": "note", "id": id, "body": {"body": "Psst", "visibility": "internal"}},
            {"operation": "assign", "id": id, "body": {"agent_id": successor}},
            {"operation": "transfer", "id": id, "body": {
                "contact_id": null, "account_id": app.id("accounts", "Harbor Logistics").await,
            }},
            {"operation": "transition", "id": id, "body": {"to": "005"}},
            {"operation": "transition", "id": id, "body": {"to": "050", "resolution": "Done"}},
            {"operation": "delete", "id": other},
            {"operation": "note", "id": other, "body": {"body": "Too late"}},
            {"operation": "restore", "id": other},
            {"operation": "note", "id": other, "version": 1, "body": {"body": "Stale"}},
        ]),
    )
    .await;
    let expected = [201, 200, 412, 200, 200, 200, 200, 409, 200, 204, 409, 200, 412];
    assert_eq!(statuses(&outcomes), expected, "{outcomes:#?}");
    assert_eq!(outcomes[2]["problem"]["code"], "stale_version");
    assert_eq!(outcomes[2]["problem"]["current_version"], outcomes[1]["version"]);
    assert_eq!(outcomes[7]["problem"]["code"], "transition_not_allowed");
    assert!(!outcomes[7]["problem"]["allowed_transitions"].as_array().unwrap().is_empty());
    assert_eq!(outcomes[10]["problem"]["code"], "ticket_deleted");
    let opened = agent.get(&path(&outcomes[0], "")).await.expect(200);
    assert_eq!(opened["subject"], "From the batch");
    let now = app.read(&one).await;
    assert_eq!(now["version"], outcomes[8]["version"]);
    let fields = ["priority", "tags", "resolution", "account_id"].map(|field| now[field].clone());
    let account = app.id("accounts", "Harbor Logistics").await;
    assert_eq!(json!(fields), json!(["high", ["vip"], "Done", account]));
    let versions = "select count(*) as number from tickets t
        where version <> (select count(*) from events e where e.ticket_id = t.id)";
    assert_eq!(app.number(versions).await, 0);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn what_is_wrong_in_an_item_is_named_from_the_item_on_and_stops_no_other() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let id = app.open_ticket(json!({})).await["id"].clone();
    let outcomes = batch(
        &agent,
        json!([
            {"operation": "open", "body": {"subject": "Half"}},
            {"operation": "patch", "id": id, "body": {"colour": "red"}},
            {"operation": "patch", "id": id, "body": {"subject": "Another"}},
            {"operation": "note", "id": id, "body": {"body": " "}},
            {"operation": "patch", "body": {"priority": "low"}},
            {"operation": "open", "id": id},
            {"operation": "delete", "id": id, "body": {"really": true}},
            {"operation": "tags", "id": id, "body": {"add": [" "]}},
            {"operation": "patch", "id": id, "body": []},
            {"operation": "patch", "id": id, "body": {"priority": "low"}},
        ]),
    )
    .await;
    let named = |at: usize| -> Vec<&str> {
        let errors = outcomes[at]["problem"]["errors"].as_array().unwrap().iter();
        errors.map(|error| error["pointer"].as_str().unwrap()).collect()
    };
    assert_eq!(statuses(&outcomes), [422, 422, 422, 422, 422, 422, 422, 422, 422, 200]);
    assert_eq!(named(0), ["/body/description", "/body/account_id", "/body/product_id"]);
    assert_eq!(named(1), ["/body/colour"]);
    assert_eq!(named(2), ["/body/subject"]);
    assert_eq!(named(3), ["/body/body"]);
    assert_eq!((named(4), named(5)), (vec!["/id"], vec!["/id"]));
    assert_eq!(named(6), ["/body/really"]);
    assert_eq!(named(7), ["/body/add/0"]);
    let item = json!({"operation": "patch", "id": id});
    for items in [json!([]), json!(vec![item; 101])] {
        let refused = agent.post("/v1/tickets:batch", json!({"items": items})).await;
        assert_eq!(pointers(refused), ["/items"]);
    }
    let unknown = json!({"items": [{"operation": "explode"}]});
    assert_eq!(pointers(agent.post("/v1/tickets:batch", unknown).await), ["/items/0/operation"]);
}

#[actix_web::test]
async fn everybody_does_what_they_may_and_finds_what_they_see() {
    let app = TestApp::start().await;
    let own = app.open_ticket(json!({})).await;
    let items = json!([
        {"operation": "note", "id": own["id"], "body": {"body": "Hello"}},
        {"operation": "note", "id": own["id"], "body": {"body": "Psst", "visibility": "internal"}},
        {"operation": "patch", "id": own["id"], "body": {"priority": "low"}},
        {"operation": "delete", "id": own["id"]},
    ]);
    let contact = app.contact("Purchasing contact").await;
    let outcomes = batch(&contact, items.clone()).await;
    assert_eq!(statuses(&outcomes), [200, 403, 403, 403]);
    assert_eq!(outcomes[3]["problem"]["required_permission"], "tickets:delete");
    let stranger = app.contact("Warehouse contact").await;
    // What no contact may do is refused whether the ticket is there or not.
    assert_eq!(statuses(&batch(&stranger, items.clone()).await), [404, 403, 404, 403]);
    app.move_elsewhere(&own).await;
    let agent = app.agent("L1 agent A").await;
    assert_eq!(statuses(&batch(&agent, items).await), [404, 404, 404, 403]);
    assert_eq!(history(&app.agent("Coordinator").await, &own).await.len(), 2);
}

#[actix_web::test]
async fn a_batch_that_is_sent_again_does_nothing_twice_and_has_the_same_outcomes() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let items = json!([
        {"operation": "open", "body": app.new_ticket(json!({})).await},
        {"operation": "restore", "id": ticket["id"]},
        {"operation": "note", "id": ticket["id"], "body": {"body": "Once"}},
    ]);
    let first = keyed(&agent, "k", &items).await.expect(207);
    assert_eq!(statuses(first["items"].as_array().unwrap()), [201, 409, 200]);
    // The refusal stays an outcome, although it would not be refused any more.
    agent.delete(&path(&ticket, ""), "*").await;
    assert_eq!(keyed(&agent, "k", &items).await.expect(207), first);
    assert_eq!(app.number("select count(*) as number from tickets").await, 2);
    assert_eq!(app.number("select count(*) as number from notes").await, 1);
    let other = json!([{"operation": "restore", "id": ticket["id"]}]);
    keyed(&agent, "k", &other).await.problem(422, "idempotency_key_reused");
    // As if the first had broken off before its last part.
    app.sql("delete from idempotency_keys where key like '%2'").await.unwrap();
    let rest = keyed(&agent, "k", &items).await.expect(207);
    assert_eq!(statuses(rest["items"].as_array().unwrap()), [201, 409, 409]);
    assert_eq!(rest["items"][0], first["items"][0]);
}

#[actix_web::test]
async fn the_same_batch_many_times_at_once_does_each_item_once() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let new = app.new_ticket(json!({})).await;
    let items: Vec<Value> = (0..10).map(|_| json!({"operation": "open", "body": new})).collect();
    let items = json!(items);
    for reply in join_all((0..6).map(|_| keyed(&agent, "k", &items))).await {
        if reply.status != 207 {
            reply.problem(409, "idempotency_key_in_use");
        }
    }
    let outcomes = keyed(&agent, "k", &items).await.expect(207);
    assert_eq!(statuses(outcomes["items"].as_array().unwrap()), [201; 10]);
    assert_eq!(app.number("select count(*) as number from tickets").await, 10);
}

#[actix_web::test]
async fn batches_over_the_same_tickets_in_any_order_neither_block_nor_lose_one_another() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(app.open_ticket(json!({})).await["id"].clone());
    }
    let work = (0..8_usize).map(|turn| {
        let mut order = ids.clone();
        order.rotate_left(turn % 6);
        if turn % 2 == 1 {
            order.reverse();
        }
        let items: Vec<Value> = order
            .iter()
            .flat_map(|id| {
                [
                    json!({"operation": "tags", "id": id, "body": {"add": [format!("t{turn}")]}}),
                    json!({"operation": "assign", "id": id, "body": {}}),
                ]
            })
            .collect();
        batch(&agent, json!(items))
    });
    for outcomes in join_all(work).await {
        assert!(statuses(&outcomes).iter().all(|status| *status == 200), "{outcomes:?}");
    }
    for id in &ids {
        let now = agent.get(&format!("/v1/tickets/{}", id.as_str().unwrap())).await.expect(200);
        assert_eq!(now["tags"].as_array().unwrap().len(), 8);
    }
    app.loads_are_true().await;
}
