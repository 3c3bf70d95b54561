//! Products, categories, components, ticket types, processes.
use casebridge::kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

async fn first(client: &Client, path: &str) -> Value {
    client.get(path).await.expect(200)["items"][0].clone()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

#[track_caller]
fn pointer(reply: Reply) -> String {
    let problem = reply.problem(422, "validation_failed");
    problem["errors"][0]["pointer"].as_str().unwrap().to_owned()
}

/// A component that can be created.
async fn new_component(admin: &Client) -> Value {
    let department = first(admin, "/v1/departments").await;
    let product = first(admin, "/v1/products").await;
    json!({
        "product_id": id(&product), "name": "Printing", "covers": "paper and toner",
        "level": "L1", "department_id": id(&department),
    })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[actix_web::test]
async fn products_and_categories_are_created_found_changed_and_told_about() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    for (list, subject) in [("/v1/products", "product"), ("/v1/categories", "category")] {
        let created = admin.post(list, json!({"name": "Zeppelin"})).await;
        let path = created.header("location").to_owned();
        let item = created.expect(201);
        assert_eq!(path, format!("{list}/{}", id(&item)));
        assert_eq!(admin.get(&path).await.expect(200), item);
        admin.post(list, json!({"name": "ZEPPELIN"})).await.problem(409, "name_taken");
        assert_eq!(pointer(admin.post(list, json!({"name": ""})).await), "/name");
        assert_eq!(first(&admin, &format!("{list}?q=zepp")).await, item);

        let change = || json!({"active": false});
        Reply::of(admin.request(Method::PATCH, &path).json(&change()))
            .await
            .problem(428, "precondition_required");
        admin.patch(&path, "\"v9\"", change()).await.problem(412, "stale_version");
        assert_eq!(admin.patch(&path, "\"v1\"", change()).await.expect(200)["version"], 2);
        let inactive = first(&admin, &format!("{list}?active=false")).await;
        assert_eq!(inactive["name"], "Zeppelin");

        app.publish().await;
        let last = admin.get("/v1/events?after=0&limit=100").await.expect(200);
        let about = json!(format!("{subject}/{}", id(&item)));
        let events = last["items"].as_array().unwrap().iter().filter(|e| e["subject"] == about);
        let types: Vec<&Value> = events.map(|event| &event["type"]).collect();
        assert_eq!(types, ["resource.created", "resource.changed"]);
    }
}

#[actix_web::test]
async fn a_component_is_created_found_and_changed() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = new_component(&admin).await;
    let component = admin.post("/v1/components", new.clone()).await.expect(201);
    assert_eq!(component["process"], Value::Null);
    let path = format!("/v1/components/{}", id(&component));
    assert_eq!(admin.get(&path).await.expect(200), component);
    let product = new["product_id"].as_str().unwrap();
    let found = first(&admin, &format!("/v1/components?product={product}&level=L1&q=toner")).await;
    assert_eq!(found, component);
    let none = admin.get("/v1/components?level=external&q=toner").await.expect(200);
    assert_eq!(none["items"], json!([]));
    let change = json!({"name": "Print", "level": "L2", "active": false});
    let changed = admin.patch(&path, "\"v1\"", change).await.expect(200);
    assert_eq!((&changed["level"], &changed["covers"]), (&json!("L2"), &new["covers"]));
    admin.patch(&path, "\"v1\"", json!({"level": "L1"})).await.problem(412, "stale_version");
    let twin = with(new, "name", json!("PRINT"));
    admin.post("/v1/components", twin).await.problem(409, "name_taken");
}

#[actix_web::test]
async fn a_component_names_what_is_there_and_a_process_only_when_it_is_external() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = new_component(&admin).await;
    let unknown = json!(uuid::Uuid::now_v7());
    for (field, value) in [
        ("product_id", &unknown),
        ("department_id", &unknown),
        ("level", &json!("L3")),
        ("level", &json!("third_line")),
        ("process", &json!("printing")),
    ] {
        let reply = admin.post("/v1/components", with(new.clone(), field, value.clone())).await;
        assert_eq!(pointer(reply), format!("/{field}"));
    }
    let external = with(with(new, "level", json!("external")), "process", json!("printing"));
    assert_eq!(pointer(admin.post("/v1/components", external.clone()).await), "/process");
    let steps = json!([{"do": "call the printer", "check": "side_conversation"}]);
    let process = json!({"key": "printing", "name": "Printing", "steps": steps});
    admin.post("/v1/processes", process).await.expect(201);
    let process = admin.get("/v1/processes/printing").await.expect(200);
    assert_eq!(process["steps"][0]["step"], 1);
    let list = admin.get("/v1/processes?limit=100").await.expect(200);
    assert!(list["items"].as_array().unwrap().contains(&process));
    admin.get("/v1/processes/knitting").await.problem(404, "not_found");

    let component = admin.post("/v1/components", external).await.expect(201);
    let path = format!("/v1/components/{}", id(&component));
    let demote = json!({"level": "L1"});
    assert_eq!(pointer(admin.patch(&path, "*", demote).await), "/process");
    let both = json!({"level": "L1", "process": null});
    assert_eq!(admin.patch(&path, "*", both).await.expect(200)["process"], Value::Null);
}

#[actix_web::test]
async fn ticket_types_are_words_and_paged_by_key() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({"key": "change_request", "name": "Change request"});
    admin.post("/v1/ticket-types", new.clone()).await.expect(201);
    admin.post("/v1/ticket-types", new).await.problem(409, "key_taken");
    let bad = json!({"key": "Change request", "name": "Change request"});
    assert_eq!(pointer(admin.post("/v1/ticket-types", bad).await), "/key");
    let keys = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|kind| kind["key"].as_str().unwrap().to_owned()).collect()
    };
    let page = admin.get("/v1/ticket-types?limit=3").await.expect(200);
    assert_eq!(keys(&page), ["change_request", "incident", "problem"]);
    let next = page["next"].as_str().unwrap();
    let page = admin.get(&format!("/v1/ticket-types?limit=3&cursor={next}")).await.expect(200);
    assert_eq!(keys(&page), ["question", "request"]);
    let prev = page["prev"].as_str().unwrap();
    let back = admin.get(&format!("/v1/ticket-types?limit=3&cursor={prev}")).await.expect(200);
    assert_eq!(keys(&back), ["change_request", "incident", "problem"]);
}

#[actix_web::test]
async fn everybody_reads_the_catalog_and_administrators_write_it() {
    let app = TestApp::start().await;
    let (contact, agent) = (app.client(Role::Contact).await, app.client(Role::Agent).await);
    for list in ["products", "categories", "components", "ticket-types"] {
        let path = format!("/v1/{list}");
        contact.get(&path).await.expect(200);
        agent.get(&path).await.expect(200);
        app.anonymous().get(&path).await.problem(401, "unauthenticated");
    }
    // Where a component leads is the desk's own affair.
    let (seen, whole) =
        (first(&contact, "/v1/components").await, first(&agent, "/v1/components").await);
    for desks in ["level", "department_id", "process"] {
        assert!(seen.get(desks).is_none() && whole.get(desks).is_some(), "{desks}");
    }
    contact.get("/v1/components?level=L2").await.problem(400, "malformed_request");
    contact.get("/v1/processes").await.problem(403, "forbidden");
    agent.get("/v1/processes").await.expect(200);
    let product = first(&agent, "/v1/products").await;
    let department = first(&agent, "/v1/departments").await;
    let component = json!({
        "name": "New", "product_id": id(&product), "level": "L1", "department_id": id(&department),
    });
    for (list, new) in [
        ("products", json!({"name": "New"})),
        ("categories", json!({"name": "New"})),
        ("components", component),
        ("ticket-types", json!({"key": "new", "name": "New"})),
    ] {
        let refused = agent.post(&format!("/v1/{list}"), new).await.problem(403, "forbidden");
        assert_eq!(refused["required_permission"], "catalog:write");
    }
    let path = format!("/v1/products/{}", id(&product));
    agent.patch(&path, "*", json!({"active": false})).await.problem(403, "forbidden");
}
