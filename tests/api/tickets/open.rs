//! Open tickets: complete, once, or step by step.
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::history;
use crate::support::{Client, Reply, TestApp, path, pointers};

#[actix_web::test]
async fn a_contact_opens_their_own_ticket_with_the_rest_filled_in() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let product = app.id("products", "CoreTrac").await;
    let new = json!({"subject": "Login", "description": "It fails.", "product_id": product});
    let reply = contact.post("/v1/tickets", new).await;
    assert_eq!(reply.header("etag"), "\"v1\"");
    let location = reply.header("location").to_owned();
    let ticket = reply.expect(201);
    assert_eq!(location, path(&ticket, ""));
    assert_eq!(ticket["account_id"], app.id("accounts", "Northwind Services").await);
    assert_eq!(ticket["contact_id"], app.id("contacts", "Purchasing contact").await);
    let filled = ["source", "priority", "type"].map(|field| ticket[field].as_str().unwrap());
    assert_eq!(filled, ["portal", "normal", "question"]);
    assert_eq!(ticket["status"]["label"], "Submitted");
    assert!(ticket["number"].as_str().unwrap().starts_with("CB-"));
    assert_eq!(contact.get(&location).await.expect(200), ticket);
}

#[actix_web::test]
async fn the_desk_opens_on_behalf_of_a_contact() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let more = json!({"source": "phone", "priority": "critical", "tags": ["export"]});
    let ticket = agent.post("/v1/tickets", app.new_ticket(more).await).await.expect(201);
    assert_eq!(ticket["status"]["code"], "010");
    assert_eq!((&ticket["source"], &ticket["opened_by_role"]), (&json!("phone"), &json!("agent")));
    assert_eq!(ticket["opened_by"], app.id("agents", "L1 agent A").await);
    assert_eq!((&ticket["level"], ticket["assignee_id"].is_string()), (&json!("L1"), true));
    assert_eq!(agent.get(&path(&ticket, "")).await.expect(200), ticket);
    let seen = app.contact("Purchasing contact").await.get(&path(&ticket, "")).await;
    assert_eq!(seen.expect(200)["subject"], "The export stops");
}

#[actix_web::test]
async fn the_component_decides_level_and_department() {
    let app = TestApp::start().await;
    for (component, level, department) in
        [("Data", "L2", "Support"), ("Reporting", "external", "Business Unit")]
    {
        let component = app.id("components", component).await;
        let ticket = app.open_ticket(json!({"component_id": component})).await;
        assert_eq!(ticket["level"], level);
        assert_eq!(ticket["department_id"], app.id("departments", department).await);
    }
}

#[actix_web::test]
async fn each_missing_or_wrong_field_is_named() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let empty = agent.post("/v1/tickets", json!({})).await;
    assert_eq!(pointers(empty), ["/subject", "/description", "/account_id", "/product_id"]);
    let nobody = uuid::Uuid::nil();
    let wrong = [
        (json!({"subject": " "}), "/subject"),
        (
            json!({"account_id": nobody, "contact_id": null, "product_id": null, "category_id": app.id("categories", "General").await}),
            "/account_id",
        ),
        (json!({"contact_id": app.id("contacts", "Warehouse contact").await}), "/contact_id"),
        (json!({"contact_id": nobody}), "/contact_id"),
        (json!({"product_id": nobody}), "/product_id"),
        (json!({"category_id": nobody}), "/category_id"),
        (json!({"component_id": nobody}), "/component_id"),
        (json!({"type": "riddle"}), "/type"),
        (json!({"url": "no url"}), "/url"),
        (json!({"priority": "huge"}), "/priority"),
        (json!({"tags": [""]}), "/tags/0"),
        (json!({"status": "050"}), "/status"),
    ];
    for (more, pointer) in wrong {
        let reply = agent.post("/v1/tickets", app.new_ticket(more.clone()).await).await;
        assert_eq!(pointers(reply), [pointer], "{more}");
    }
    let products =
        format!("/v1/accounts/{}/products", app.id("accounts", "Northwind Services").await);
    let put = app.agent("Administrator").await.request(Method::PUT, &products);
    let none = put.header("if-match", "*").json(&json!({"product_ids": []}));
    Reply::of(none).await.expect(200);
    let refused = agent.post("/v1/tickets", app.new_ticket(json!({})).await).await;
    assert_eq!(pointers(refused), ["/product_id"]);
    assert_eq!(app.number("select count(*) as number from tickets").await, 0);
    assert_eq!(app.number("select count(ticket_id) as number from events").await, 0);
}

#[actix_web::test]
async fn a_contact_cannot_open_for_others() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let other = json!({"contact_id": app.id("contacts", "Operations contact").await});
    let reply = contact.post("/v1/tickets", app.new_ticket(other).await).await;
    assert_eq!(pointers(reply), ["/contact_id"]);
    let foreign = json!({"account_id": app.id("accounts", "Harbor Logistics").await});
    let reply = contact.post("/v1/tickets", app.new_ticket(foreign.clone()).await).await;
    assert_eq!(pointers(reply), ["/account_id"]);

    let draft = contact.post("/v1/tickets", json!({"draft": true})).await.expect(201);
    for (change, pointer) in [
        (json!({"contact_id": null, "account_id": foreign["account_id"]}), "/contact_id"),
        (foreign, "/account_id"),
        (json!({"contact_id": app.id("contacts", "Operations contact").await}), "/contact_id"),
    ] {
        assert_eq!(pointers(contact.patch(&path(&draft, ""), "*", change).await), [pointer]);
    }
}

#[actix_web::test]
async fn an_external_id_is_taken_once_for_a_source() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let new = app.new_ticket(json!({"external_id": "shop-1"})).await;
    agent.post("/v1/tickets", new.clone()).await.expect(201);
    agent.post("/v1/tickets", new).await.problem(409, "external_id_taken");
    app.open_ticket(json!({"external_id": "shop-1", "source": "email"})).await;
    assert_eq!(app.number("select count(*) as number from tickets").await, 2);
    assert_eq!(app.number("select count(*) as number from assignments").await, 2);
}

async fn keyed(caller: &Client, key: &str, body: &Value) -> Reply {
    let request = caller.request(Method::POST, "/v1/tickets");
    Reply::of(request.header("idempotency-key", key).json(body)).await
}

#[actix_web::test]
async fn a_key_stands_for_one_ticket() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let new = app.new_ticket(json!({})).await;
    let first = keyed(&agent, "order-1", &new).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = keyed(&agent, "order-1", &new).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("etag"), "\"v1\"");
    assert_eq!(again.expect(201), first.expect(201));
    let other = app.new_ticket(json!({"subject": "Another"})).await;
    keyed(&agent, "order-1", &other).await.problem(422, "idempotency_key_reused");
    keyed(&app.agent("L1 agent A").await, "order-1", &other).await.expect(201);
    // A refusal is not kept: the same key may be sent with a body that is complete.
    keyed(&agent, "order-2", &json!({})).await.problem(422, "validation_failed");
    keyed(&agent, "order-2", &new).await.expect(201);
    assert_eq!(app.number("select count(*) as number from tickets").await, 3);
}

#[actix_web::test]
async fn concurrent_requests_with_one_key_make_one_ticket() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let new = app.new_ticket(json!({})).await;
    let replies = join_all((0..16).map(|_| keyed(&agent, "order-1", &new))).await;
    let (mut made, mut ids) = (0, Vec::new());
    for reply in replies {
        if reply.status == 409 {
            reply.problem(409, "idempotency_key_in_use");
            continue;
        }
        made += usize::from(reply.header("idempotency-replayed").is_empty());
        ids.push(reply.expect(201)["id"].clone());
    }
    ids.dedup();
    assert_eq!((made, ids.len()), (1, 1));
    assert_eq!(app.number("select count(*) as number from tickets").await, 1);
}

#[actix_web::test]
async fn a_draft_is_its_authors_alone_and_is_submitted_as_a_whole() {
    let app = TestApp::start().await;
    let contact = app.contact("Purchasing contact").await;
    let draft = contact.post("/v1/tickets", json!({"draft": true})).await.expect(201);
    assert_eq!(draft["status"]["label"], "Draft");
    let at = path(&draft, "");
    for other in ["Coordinator", "Administrator", "L1 agent A"] {
        app.agent(other).await.get(&at).await.problem(404, "not_found");
    }
    app.contact("Operations contact").await.get(&at).await.problem(404, "not_found");

    let submit = path(&draft, "/submission");
    let incomplete = contact.post_on(&submit, "\"v1\"", json!({})).await;
    assert_eq!(pointers(incomplete), ["/subject", "/description", "/product_id"]);
    let reply = json!({"body": "Hello?"});
    contact.post(&path(&draft, "/notes"), reply).await.problem(409, "not_submitted");
    let steps = [
        json!({"subject": "Login"}),
        json!({"description": "It fails."}),
        json!({"product_id": app.id("products", "CoreTrac").await, "priority": "high"}),
        json!({"component_id": app.id("components", "Data").await}),
    ];
    for (version, step) in (1..).zip(steps) {
        contact.patch(&at, &format!("\"v{version}\""), step).await.expect(200);
    }
    let submitted = contact.post_on(&submit, "\"v5\"", json!({})).await.expect(200);
    assert_eq!(submitted["status"]["label"], "Submitted");
    assert!(submitted["submitted_at"].is_string());
    contact.post_on(&submit, "*", json!({})).await.problem(409, "already_submitted");
    let seen = app.read(&draft).await;
    assert_eq!((&seen["level"], seen["assignee_id"].is_string()), (&json!("L2"), true));
    let told: Vec<Value> = history(&contact, &draft).await;
    assert_eq!(told.len(), 1, "a contact is told of the submission: {told:?}");
    let told = history(&app.agent("Coordinator").await, &draft).await;
    assert_eq!(told.len(), 1, "nothing is told of a draft: {told:?}");
    assert_eq!(told[0]["changes"]["subject"], json!({"from": null, "to": "Login"}));
}

#[actix_web::test]
async fn a_draft_follows_its_component_into_another_workflow() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let component = json!({
        "name": "Laptops", "covers": "the desk's own", "level": "L1", "product_id": app.id("products", "CoreTrac").await,
        "department_id": app.id("departments", "Internal IT").await
    });
    let component = admin.post("/v1/components", component).await.expect(201);
    let draft = app.open_ticket(json!({"draft": true})).await;
    let change = json!({"component_id": component["id"]});
    let coordinator = app.agent("Coordinator").await;
    let moved = coordinator.patch(&path(&draft, ""), "*", change.clone()).await.expect(200);
    assert_eq!(moved["status"]["code"], "draft");
    let submitted = coordinator.post_on(&path(&draft, "/submission"), "*", json!({})).await;
    // The simple workflow opens what is assigned.
    assert_eq!(submitted.expect(200)["status"]["code"], "open");
    let other = app.open_ticket(json!({})).await;
    let refused = coordinator.patch(&path(&other, ""), "*", change).await;
    assert_eq!(pointers(refused), ["/component_id"]);
}
