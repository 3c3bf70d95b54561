//! Agents, their rights and their availability.
use casebridge::kernel::{DepartmentId, Level, Permission, Role};
use casebridge::people;
use chrono::Utc;
use reqwest::Method;
use serde_json::{Value, json};

use super::{id, named, uuid};
use crate::support::{Reply, TestApp};

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
    let leave = json!({"away": true, "leave_until": "2030-01-02T08:00:00.123456789Z"});
    let mine = "/v1/me/availability";
    let gone = agent.put(mine, leave.clone()).await.expect(200);
    assert_eq!(gone["id"], own["id"]);
    let kept = json!("2030-01-02T08:00:00.123456Z");
    assert_eq!((&gone["away"], &gone["leave_until"]), (&leave["away"], &kept));
    let back = agent.put(mine, json!({"away": false})).await.expect(200);
    assert_eq!((&back["away"], &back["leave_until"]), (&json!(false), &Value::Null));

    let refused = agent.put(&path(&other), leave.clone()).await.problem(403, "forbidden");
    assert_eq!(refused["required_permission"], "people:write");
    admin.put(&path(&other), leave.clone()).await.expect(200);
    let contact = app.client(Role::Contact).await;
    contact.put(&path(&own), leave.clone()).await.problem(403, "forbidden");
    contact.put(mine, leave.clone()).await.problem(403, "forbidden");
    let program = app.client_for(app.integration(&[Permission::TicketsWork]).await).await;
    program.put(mine, leave).await.problem(409, "not_an_agent");
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
    let beyond = "beyond_own_permissions";
    assert!(refused.problem(422, beyond)["detail"].as_str().unwrap().contains("clients:write"));
    client.post("/v1/agents", new("admin", json!([]))).await.problem(422, beyond);
    client.patch(&path, "*", json!({"role": "admin"})).await.problem(422, beyond);
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
async fn the_pool_of_a_department_is_who_works_the_level_there() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let support = DepartmentId(uuid(&named(&admin, "/v1/departments", "Support").await));
    let lock = move |conn: &mut _| people::lock_pool(conn, support, Level::L1, None, Utc::now());
    let pool = app.service.db.tx(lock).await.unwrap();
    let names: Vec<&str> = pool.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["L1 agent A", "L1 agent B"]);
    assert!(pool.iter().all(|agent| agent.on_duty(Utc::now())));
}

#[actix_web::test]
async fn a_ticket_is_given_to_an_active_agent_only() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let agent = named(&admin, "/v1/agents", "L1 agent A").await;
    let path = format!("/v1/agents/{}", id(&agent));
    admin.patch(&path, "*", json!({"active": false})).await.expect(200);
    let ticket = app.open_ticket(json!({})).await;
    let at = format!("/v1/tickets/{}/assignment", id(&ticket));
    let body = json!({"agent_id": id(&agent), "override": true, "reason": "r"});
    let refused = admin.post_on(&at, "*", body).await.problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["detail"], "there is no such active agent");
}

#[actix_web::test]
async fn leaves_are_planned_and_each_ends_after_it_starts() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.client(Role::Admin).await, app.agent("L1 agent A").await);
    let leave = json!({"from": "2030-12-24T00:00:00Z", "until": "2030-12-27T00:00:00Z"});
    let own = agent.put("/v1/me/leaves", json!({"leaves": [leave]})).await.expect(200);
    assert_eq!(own["leaves"], json!([leave]));
    let path = format!("/v1/agents/{}", id(&own));
    let wrong = json!({"from": "2030-12-24T00:00:00Z", "until": "2030-12-24T00:00:00Z"});
    let refused = agent.put("/v1/me/leaves", json!({"leaves": [wrong]})).await;
    refused.problem(422, "validation_failed");
    let cleared = admin.patch(&path, "*", json!({"leaves": []})).await.expect(200);
    assert_eq!(cleared["leaves"], json!([]));
    app.contact("Purchasing contact")
        .await
        .put("/v1/me/leaves", json!({"leaves": []}))
        .await
        .problem(403, "forbidden");
}
