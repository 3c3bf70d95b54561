//! What accounts, contacts, departments and agents have in common.
mod agents;
mod customers;
mod desk;

use std::collections::BTreeSet;

use casebridge::kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

/// The first item of a list whose name is this.
async fn named(client: &Client, path: &str, name: &str) -> Value {
    let page = client.get(&format!("{path}?limit=100")).await.expect(200);
    let items = page["items"].as_array().unwrap();
    items.iter().find(|item| item["name"] == name).unwrap().clone()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

fn uuid(value: &Value) -> uuid::Uuid {
    id(value).parse().unwrap()
}

/// The pointers of a refusal's bad fields.
#[track_caller]
fn pointers(reply: Reply) -> Vec<String> {
    let problem = reply.problem(422, "validation_failed");
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
}

/// The events about `subject`, oldest first.
async fn events(app: &TestApp, subject: &str) -> Vec<Value> {
    app.publish().await;
    let admin = app.client(Role::Admin).await;
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = admin.get(&format!("/v1/events?limit=100&after={after}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            return found;
        }
        found.extend(items.iter().filter(|event| event["subject"] == subject).cloned());
        after = page["last_position"].as_i64().unwrap();
    }
}

#[actix_web::test]
async fn a_change_needs_the_version_that_was_last_seen() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    for (path, name) in [
        ("/v1/accounts", "Harbor Logistics"),
        ("/v1/contacts", "Finance contact"),
        ("/v1/departments", "Business Unit"),
        ("/v1/agents", "L1 agent B"),
    ] {
        let path = format!("{path}/{}", id(&named(&admin, path, name).await));
        let change = || json!({"name": "Another name"});
        Reply::of(admin.request(Method::PATCH, &path).json(&change()))
            .await
            .problem(428, "precondition_required");
        let stale = admin.patch(&path, "\"v7\"", change()).await.problem(412, "stale_version");
        assert_eq!(stale["current_version"], 1, "{path}");
        assert_eq!(admin.patch(&path, "\"v1\"", change()).await.expect(200)["version"], 2);
        let fresh = admin.request(Method::GET, &path).header("if-none-match", "\"v2\"");
        assert_eq!(Reply::of(fresh).await.status, 304);
    }
}

#[actix_web::test]
async fn every_bad_field_is_named() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let unknown = uuid::Uuid::now_v7();
    let contact = |extra: Value| {
        let mut body = json!({"name": "New contact", "email": "new@customer.example"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    for (extra, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"email": "nobody"}), "/email"),
        (json!({"time_zone": "Europe/Atlantis"}), "/time_zone"),
        (json!({"language": "English"}), "/language"),
        (json!({"phone": ""}), "/phone"),
        (json!({"account_ids": [unknown]}), "/account_ids"),
        (json!({"shoe_size": 44}), "/shoe_size"),
    ] {
        let reply = admin.post("/v1/contacts", contact(extra)).await;
        assert_eq!(pointers(reply), [pointer]);
    }
    let agent = |extra: Value| {
        let mut body = json!({"name": "New agent", "email": "new@desk.example", "role": "agent"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let window = |from, to| json!({"day": "mon", "from": from, "to": to});
    for (extra, expected) in [
        (json!({"role": "contact"}), vec!["/role"]),
        (json!({"capacity": -1}), vec!["/capacity"]),
        (json!({"department_ids": [unknown]}), vec!["/department_ids"]),
        (
            json!({"product_ids": [unknown], "category_ids": [unknown], "type_keys": ["poem"]}),
            vec!["/product_ids", "/category_ids", "/type_keys"],
        ),
        (json!({"working_hours": [window("9:00", "17:00")]}), vec!["/working_hours/0/from"]),
        (json!({"working_hours": [window("17:00", "09:00")]}), vec!["/working_hours"]),
        (
            json!({"working_hours": [window("09:00", "12:00"), window("11:00", "24:00")]}),
            vec!["/working_hours"],
        ),
    ] {
        assert_eq!(pointers(admin.post("/v1/agents", agent(extra)).await), expected);
    }
    let department = json!({"name": "New department", "workflow_id": unknown});
    assert_eq!(pointers(admin.post("/v1/departments", department).await), ["/workflow_id"]);
    let account = json!({"name": "New account", "product_ids": [unknown]});
    assert_eq!(pointers(admin.post("/v1/accounts", account).await), ["/product_ids"]);
}

#[actix_web::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    for path in ["accounts", "contacts", "departments", "agents"] {
        let path = format!("/v1/{path}/{}", uuid::Uuid::now_v7());
        admin.get(&path).await.problem(404, "not_found");
        admin.patch(&path, "*", json!({})).await.problem(404, "not_found");
    }
    admin.get("/v1/accounts/first").await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_list_is_paged_by_name_forwards_and_backwards() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    for name in ["delta", "Alpha", "charlie", "Bravo", "Echo_1", "EchoX1"] {
        let new = json!({"name": "Same", "email": format!("{name}@page.example")});
        admin.post("/v1/contacts", new).await.expect(201);
        admin.post("/v1/accounts", json!({"name": format!("Page {name}")})).await.expect(201);
    }
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    let mut path = "/v1/accounts?q=page&limit=2".to_owned();
    let (mut seen, mut last) = (Vec::new(), Value::Null);
    loop {
        let page = admin.get(&path).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(name));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/accounts?q=page&limit=2&cursor={next}");
        last = page;
    }
    let expected = ["Alpha", "Bravo", "charlie", "delta"].map(|name| format!("Page {name}"));
    assert_eq!(seen[..4], expected);
    assert_eq!(seen.len(), 6);
    let prev = admin.get(&path).await.expect(200)["prev"].as_str().unwrap().to_owned();
    let back = admin.get(&format!("/v1/accounts?q=page&limit=2&cursor={prev}")).await.expect(200);
    assert_eq!(back["items"], last["items"]);

    admin.get(&format!("/v1/accounts?cursor={prev}")).await.problem(400, "malformed_request");
    admin.get("/v1/accounts?limit=0").await.problem(400, "malformed_request");
    admin.get("/v1/accounts?colour=red").await.problem(400, "malformed_request");

    let literal = admin.get("/v1/accounts?q=Echo_").await.expect(200);
    assert_eq!(literal["items"].as_array().unwrap().len(), 1, "_ stands for itself");

    // Contacts may have the same name: ids break the tie.
    let (mut ids, mut path) = (BTreeSet::new(), "/v1/contacts?q=page.example&limit=4".to_owned());
    loop {
        let page = admin.get(&path).await.expect(200);
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| id(item).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/contacts?q=page.example&limit=4&cursor={next}");
    }
    assert_eq!(ids.len(), 6);
}

#[actix_web::test]
async fn lists_hold_what_the_filters_say() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let names = async |path: String| -> Vec<String> {
        let page = admin.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let harbor = named(&admin, "/v1/accounts", "Harbor Logistics").await;
    let of_harbor = names(format!("/v1/contacts?account={}", id(&harbor))).await;
    assert_eq!(of_harbor, ["Finance contact", "Warehouse contact"]);
    assert_eq!(names("/v1/contacts?q=PURCH".into()).await, ["Purchasing contact"]);
    let it = named(&admin, "/v1/departments", "Internal IT").await;
    let of_it = names(format!("/v1/agents?department={}", id(&it))).await;
    assert_eq!(of_it, ["L1 agent B", "L2 agent B"]);
    assert_eq!(names("/v1/agents?role=coordinator".into()).await, ["Coordinator"]);
    assert_eq!(names("/v1/accounts?active=false".into()).await, [""; 0]);
}
