//! Accounts, contacts, departments, agents.
use std::collections::BTreeSet;

use casebridge::kernel::{AccountId, ContactId, ProductId, Role};
use casebridge::people;
use casebridge::seed;
use chrono::Utc;
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
async fn an_account_is_created_read_changed_and_told_about() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let product = named(&admin, "/v1/products", "CoreTrac").await;
    let new = json!({"name": "Summit Foods", "product_ids": [id(&product), id(&product)]});
    let created = admin.post("/v1/accounts", new).await;
    let path = created.header("location").to_owned();
    assert_eq!(created.header("etag"), "\"v1\"");
    let account = created.expect(201);
    assert_eq!(path, format!("/v1/accounts/{}", id(&account)));
    assert_eq!(account["product_ids"], json!([id(&product)]));
    assert_eq!(admin.get(&path).await.expect(200), account);

    let change = json!({"name": "Summit Foods Group", "active": false});
    let changed = admin.patch(&path, "\"v1\"", change.clone()).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Summit Foods Group"), &json!(2)));
    let same = admin.patch(&path, "\"v2\"", change).await.expect(200);
    assert_eq!(same["version"], 2, "what changes nothing makes no version");

    let events = events(&app, &format!("account/{}", id(&account))).await;
    let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["resource.created", "resource.changed"]);
    assert_eq!(events[0]["changes"]["name"], json!({"from": null, "to": "Summit Foods"}));
    let changes = json!({
        "name": {"from": "Summit Foods", "to": "Summit Foods Group"},
        "active": {"from": true, "to": false},
    });
    assert_eq!(events[1]["changes"], changes);
    assert_eq!(events[1]["actor"]["role"], "admin");
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
async fn names_and_addresses_are_unique_without_regard_to_case() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let workflow = named(&admin, "/v1/departments", "Support").await["workflow_id"].clone();
    let account = json!({"name": "NORTHWIND services"});
    admin.post("/v1/accounts", account).await.problem(409, "name_taken");
    let department = json!({"name": "SUPPORT", "workflow_id": workflow});
    admin.post("/v1/departments", department).await.problem(409, "name_taken");
    let contact = json!({"name": "Twin", "email": "Purchasing@Customer.example"});
    admin.post("/v1/contacts", contact).await.problem(409, "email_taken");
    let agent = json!({"name": "Twin", "email": "L1-A@desk.example", "role": "agent"});
    admin.post("/v1/agents", agent).await.problem(409, "email_taken");
    let contact = named(&admin, "/v1/contacts", "Finance contact").await;
    let change = json!({"email": "PURCHASING@customer.example"});
    let path = format!("/v1/contacts/{}", id(&contact));
    admin.patch(&path, "*", change).await.problem(409, "email_taken");
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

#[actix_web::test]
async fn a_contact_changes_field_by_field_and_null_clears_the_phone() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let [northwind, harbor] = ["Northwind Services", "Harbor Logistics"];
    let northwind = named(&admin, "/v1/accounts", northwind).await;
    let harbor = named(&admin, "/v1/accounts", harbor).await;
    let new = json!({
        "name": "Board contact", "email": "board@customer.example", "phone": "+43 1 0000000",
        "time_zone": "Europe/Vienna", "account_ids": [id(&northwind)],
    });
    let contact = admin.post("/v1/contacts", new).await.expect(201);
    assert_eq!((&contact["language"], &contact["active"]), (&json!("en"), &json!(true)));
    let path = format!("/v1/contacts/{}", id(&contact));
    let both = json!({"account_ids": [id(&harbor), id(&northwind)], "language": "pt-BR"});
    let changed = admin.patch(&path, "\"v1\"", both).await.expect(200);
    assert_eq!(changed["account_ids"].as_array().unwrap().len(), 2);
    assert_eq!(changed["phone"], "+43 1 0000000", "what is absent stays");
    let cleared = admin.patch(&path, "\"v2\"", json!({"phone": null})).await.expect(200);
    assert_eq!(cleared["phone"], Value::Null);
    assert_eq!(cleared["time_zone"], "Europe/Vienna");

    // The accounts are those that the contact acts for.
    let portal = app.client_for(uuid(&contact)).await;
    let me = portal.get("/v1/me").await.expect(200);
    assert_eq!(me["accounts"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn an_account_has_the_products_that_were_put_last() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let account = named(&admin, "/v1/accounts", "Northwind Services").await;
    let second = admin.post("/v1/products", json!({"name": "CoreTrac Lite"})).await.expect(201);
    let path = format!("/v1/accounts/{}/products", id(&account));
    let put = |etag: &'static str, body: Value| {
        Reply::of(admin.request(Method::PUT, &path).header("if-match", etag).json(&body))
    };
    admin.put(&path, json!({"product_ids": []})).await.problem(428, "precondition_required");
    let changed = put("\"v1\"", json!({"product_ids": [id(&second)]})).await.expect(200);
    assert_eq!(changed["product_ids"], json!([id(&second)]));
    put("\"v1\"", json!({"product_ids": []})).await.problem(412, "stale_version");
    let events = events(&app, &format!("account/{}", id(&account))).await;
    let change = &events.last().unwrap()["changes"]["product_ids"];
    assert_eq!((&change["from"], &change["to"]), (&account["product_ids"], &json!([id(&second)])));
}

#[actix_web::test]
async fn the_default_moves_from_one_department_to_another() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let support = named(&admin, "/v1/departments", "Support").await;
    let it = named(&admin, "/v1/departments", "Internal IT").await;
    assert_eq!((&support["is_default"], &it["is_default"]), (&json!(true), &json!(false)));
    let path = |department: &Value| format!("/v1/departments/{}", id(department));
    for change in [json!({"is_default": false}), json!({"active": false})] {
        admin.patch(&path(&support), "*", change).await.problem(422, "default_department");
    }
    admin.patch(&path(&it), "\"v1\"", json!({"is_default": true})).await.expect(200);
    let support = admin.get(&path(&support)).await.expect(200);
    assert_eq!((&support["is_default"], &support["version"]), (&json!(false), &json!(3)));
    let told = events(&app, &format!("department/{}", id(&support))).await;
    let last = json!({"is_default": {"from": true, "to": false}});
    assert_eq!(told.last().unwrap()["changes"], last);
}

#[actix_web::test]
async fn of_departments_that_become_the_default_at_once_one_is_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let page = admin.get("/v1/departments").await.expect(200);
    let departments = page["items"].as_array().unwrap();
    let changes = departments.iter().map(|department| {
        let (admin, path) = (admin.clone(), format!("/v1/departments/{}", id(department)));
        async move { admin.patch(&path, "*", json!({"is_default": true})).await.expect(200) }
    });
    futures_util::future::join_all(changes).await;
    let page = admin.get("/v1/departments").await.expect(200);
    let is_default = |department: &&Value| department["is_default"] == true;
    assert_eq!(page["items"].as_array().unwrap().iter().filter(is_default).count(), 1);
}

#[actix_web::test]
async fn an_agent_is_created_with_everything_and_cleared_again() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let support = named(&admin, "/v1/departments", "Support").await;
    let product = named(&admin, "/v1/products", "CoreTrac").await;
    let week = json!([
        {"day": "mon", "from": "09:00", "to": "12:30"}, {"day": "fri", "from": "13:00", "to": "24:00"}
    ]);
    let new = json!({
        "name": "Night agent", "email": "night@desk.example", "role": "agent",
        "permissions": ["tickets:delete"], "levels": ["L2", "L1"], "department_ids": [id(&support)],
        "product_ids": [id(&product)], "category_ids": [], "type_keys": ["incident"],
        "time_zone": "America/New_York", "working_hours": week, "capacity": 5,
    });
    let agent = admin.post("/v1/agents", new).await.expect(201);
    assert_eq!(agent["working_hours"], week);
    assert_eq!(agent["levels"], json!(["L1", "L2"]));
    assert_eq!((&agent["open_tickets"], &agent["capacity"]), (&json!(0), &json!(5)));
    let path = format!("/v1/agents/{}", id(&agent));
    assert_eq!(admin.get(&path).await.expect(200), agent);
    let me = app.client_for(uuid(&agent)).await.get("/v1/me").await.expect(200);
    assert!(me["permissions"].as_array().unwrap().contains(&json!("tickets:delete")));

    let change = json!({"working_hours": null, "product_ids": null, "department_ids": []});
    let changed = admin.patch(&path, "\"v1\"", change).await.expect(200);
    assert_eq!((&changed["working_hours"], &changed["product_ids"]), (&Value::Null, &Value::Null));
    assert_eq!(changed["type_keys"], json!(["incident"]));
    assert_eq!(changed["department_ids"], json!([]));
}

#[actix_web::test]
async fn agents_set_their_own_availability_and_nobody_elses() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let own = named(&admin, "/v1/agents", "L1 agent A").await;
    let other = named(&admin, "/v1/agents", "L1 agent B").await;
    let path = |agent: &Value| format!("/v1/agents/{}/availability", id(agent));
    let agent = app.client_for(uuid(&own)).await;
    let leave = json!({"away": true, "leave_until": "2030-01-02T08:00:00Z"});
    let gone = agent.put(&path(&own), leave.clone()).await.expect(200);
    assert_eq!((&gone["away"], &gone["leave_until"]), (&leave["away"], &leave["leave_until"]));
    let back = agent.put(&path(&own), json!({"away": false})).await.expect(200);
    assert_eq!((&back["away"], &back["leave_until"]), (&json!(false), &Value::Null));

    let refused = agent.put(&path(&other), leave.clone()).await.problem(403, "forbidden");
    assert_eq!(refused["required_permission"], "people:write");
    admin.put(&path(&other), leave.clone()).await.expect(200);
    let contact = app.client(Role::Contact).await;
    contact.put(&path(&own), leave).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn nobody_grants_more_than_they_have() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let clerk = named(&admin, "/v1/agents", "L1 agent A").await;
    let path = format!("/v1/agents/{}", id(&clerk));
    let grant = json!({"permissions": ["people:write"]});
    admin.patch(&path, "*", grant).await.expect(200);
    let client = app.client_for(uuid(&clerk)).await;
    let new = |role: &str, permissions: Value| json!({"name": "New", "email": "new@desk.example", "role": role, "permissions": permissions});
    let refused = client.post("/v1/agents", new("agent", json!(["clients:write"]))).await;
    assert_eq!(refused.problem(403, "forbidden")["required_permission"], "clients:write");
    client.post("/v1/agents", new("admin", json!([]))).await.problem(403, "forbidden");
    client.patch(&path, "*", json!({"role": "admin"})).await.problem(403, "forbidden");
    client.post("/v1/agents", new("agent", json!(["people:write"]))).await.expect(201);
}

#[actix_web::test]
async fn reading_and_writing_people_are_permissions_of_their_own() {
    let app = TestApp::start().await;
    let (agent, contact) = (app.client(Role::Agent).await, app.client(Role::Contact).await);
    let account = named(&agent, "/v1/accounts", "Northwind Services").await;
    for list in ["accounts", "contacts", "departments", "agents"] {
        let path = format!("/v1/{list}");
        agent.get(&path).await.expect(200);
        let refused = contact.get(&path).await.problem(403, "forbidden");
        assert_eq!(refused["required_permission"], "people:read");
        app.anonymous().get(&path).await.problem(401, "unauthenticated");
        let first = agent.get(&path).await.expect(200)["items"][0].clone();
        let path = format!("{path}/{}", id(&first));
        contact.get(&path).await.problem(403, "forbidden");
        let refused = agent.patch(&path, "*", json!({"active": false})).await;
        assert_eq!(refused.problem(403, "forbidden")["required_permission"], "people:write");
    }
    agent.post("/v1/accounts", json!({"name": "New account"})).await.problem(403, "forbidden");
    let path = format!("/v1/accounts/{}/products", id(&account));
    let put = agent.request(Method::PUT, &path).header("if-match", "*");
    Reply::of(put.json(&json!({"product_ids": []}))).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_deactivated_agent_is_refused() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let agent = named(&admin, "/v1/agents", "L2 agent A").await;
    // Never used before: nothing about it is remembered.
    let client = app.client_for(uuid(&agent)).await;
    let path = format!("/v1/agents/{}", id(&agent));
    admin.patch(&path, "\"v1\"", json!({"active": false})).await.expect(200);
    client.get("/v1/me").await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_creation_that_is_sent_again_has_its_effect_once() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let send = async || {
        let request = admin.request(Method::POST, "/v1/contacts").header("idempotency-key", "k1");
        let body = json!({"name": "Once", "email": "once@customer.example"});
        Reply::of(request.json(&body)).await
    };
    let first = send().await.expect(201);
    let again = send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201), first);
}

#[actix_web::test]
async fn the_parties_of_a_ticket_must_go_together() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let northwind = named(&admin, "/v1/accounts", "Northwind Services").await;
    let own = named(&admin, "/v1/contacts", "Purchasing contact").await;
    let other = named(&admin, "/v1/contacts", "Finance contact").await;
    let product = named(&admin, "/v1/products", "CoreTrac").await;
    let lite = admin.post("/v1/products", json!({"name": "CoreTrac Lite"})).await.expect(201);
    let check = async |account: &Value, contact: Option<&Value>, product: Option<&Value>| {
        let account = AccountId(uuid(account));
        let contact = contact.map(|contact| ContactId(uuid(contact)));
        let product = product.map(|product| ProductId(uuid(product)));
        let work = move |conn: &mut _| people::check_parties(conn, account, contact, product);
        let errors = app.service.db.read(work).await.unwrap().errors();
        errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()
    };
    assert_eq!(check(&northwind, Some(&own), Some(&product)).await, [""; 0]);
    assert_eq!(check(&northwind, None, None).await, [""; 0]);
    let wrong = check(&northwind, Some(&other), Some(&lite)).await;
    assert_eq!(wrong, ["/contact_id", "/product_id"]);
    for (path, pointer) in [
        (format!("/v1/products/{}", id(&product)), "/product_id"),
        (format!("/v1/contacts/{}", id(&own)), "/contact_id"),
        (format!("/v1/accounts/{}", id(&northwind)), "/account_id"),
    ] {
        admin.patch(&path, "*", json!({"active": false})).await.expect(200);
        assert_eq!(check(&northwind, Some(&own), Some(&product)).await, [pointer]);
        admin.patch(&path, "*", json!({"active": true})).await.expect(200);
    }
}

#[actix_web::test]
async fn seeding_again_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let before = admin.get("/v1/agents").await.expect(200);
    let seed = || app.service.db.tx(|conn| seed::load(conn, Utc::now()));
    let (first, second) = tokio::join!(seed(), seed());
    first.and(second).unwrap();
    assert_eq!(admin.get("/v1/agents").await.expect(200), before);
}
