//! Workflows, statuses and transitions as data.
use std::sync::Arc;

use casebridge::kernel::{Role, WorkflowId};
use casebridge::workflow::{self, Workflow};
use diesel::RunQueryDsl as _;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Client, Reply, TestApp};

/// The workflow with this key, whole, and its ETag.
pub async fn read(caller: &Client, key: &str) -> (Value, String) {
    let list = caller.get("/v1/workflows").await.expect(200);
    let found = list["items"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap();
    let reply = caller.get(&path(found, "")).await;
    let etag = reply.header("etag").to_owned();
    (reply.expect(200), etag)
}

pub fn path(workflow: &Value, rest: &str) -> String {
    format!("/v1/workflows/{}{rest}", workflow["id"].as_str().unwrap())
}

pub fn status(code: &str) -> Value {
    json!({
        "code": code, "key": format!("LAB_{code}"), "name": "In the lab", "category": "open", "sla": "running",
        "awaiting": "desk", "customer_label": "Under investigation", "sort_order": 105
    })
}

pub fn transition(from: &str, to: &str) -> Value {
    json!({"from": from, "to": to, "trigger": "agent"})
}

fn codes(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect()
}

const CODES: [&str; 16] = [
    "005", "010", "012", "013", "014", "016", "017", "020", "025", "030", "031", "035", "040",
    "045", "050", "099",
];

#[actix_web::test]
async fn the_shipped_workflows_are_served_whole() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let (consultancy, etag) = read(&agent, "consultancy").await;
    assert_eq!(etag, "\"v1\"");
    assert_eq!(codes(&consultancy["statuses"]), CODES);
    let transitions = consultancy["transitions"].as_array().unwrap();
    assert_eq!(transitions.len(), 49);
    let reopen: Vec<&Value> = transitions.iter().filter(|t| t["from"] == "050").collect();
    assert_eq!(reopen.len(), 2);
    assert!(reopen.iter().all(|t| t["to"] == "017" && t["within_days"] == 30));
    let closing = transitions.iter().filter(|t| t["to"] == "050" && t["trigger"] == "agent");
    let closing: Vec<&Value> = closing.collect();
    assert_eq!(closing.len(), 13);
    assert!(closing.iter().all(|t| t["requires"] == json!(["resolution"])));
    let silent: Vec<&Value> =
        transitions.iter().filter(|t| t["trigger"] == "no_feedback").collect();
    assert_eq!(silent.len(), 3);
    assert!(silent.iter().all(|t| t["after_days"] == 14 && t["reminder_after_days"] == 7));

    let (simple, _) = read(&agent, "simple").await;
    let expected = ["draft", "new", "open", "pending", "on_hold", "solved", "closed"];
    assert_eq!(codes(&simple["statuses"]), expected);
}

#[actix_web::test]
async fn statuses_are_listed_in_their_order_page_by_page_both_ways() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let (consultancy, _) = read(&agent, "consultancy").await;
    let base = format!("/v1/statuses?workflow={}&limit=7", consultancy["id"].as_str().unwrap());
    let mut pages = vec![agent.get(&base).await.expect(200)];
    while let Some(cursor) = pages.last().unwrap()["next"].as_str() {
        let page = agent.get(&format!("{base}&cursor={cursor}")).await.expect(200);
        pages.push(page);
    }
    let seen: Vec<&str> = pages.iter().flat_map(|page| codes(&page["items"])).collect();
    assert_eq!(seen, CODES);
    let prev = pages[1]["prev"].as_str().unwrap();
    let first = agent.get(&format!("{base}&cursor={prev}")).await.expect(200);
    assert_eq!(codes(&first["items"]), CODES[..7]);

    let all = agent.get("/v1/statuses").await.expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 23);
    let priorities = agent.get("/v1/priorities").await.expect(200);
    assert_eq!(priorities["items"][3], json!({"key": "critical", "rank": 4}));
    assert_eq!(priorities["items"].as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn an_administrator_adds_a_status_and_its_transitions_and_they_appear_at_once() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (consultancy, etag) = read(&admin, "consultancy").await;
    let (statuses, transitions) =
        (path(&consultancy, "/statuses"), path(&consultancy, "/transitions"));

    let added = admin.post_on(&statuses, &etag, status("032")).await;
    assert_eq!(added.header("etag"), "\"v2\"");
    assert_eq!(added.expect(201)["code"], "032");
    admin.post_on(&transitions, "\"v2\"", transition("032", "030")).await.expect(201);
    let lab =
        json!({"from": "030", "to": "032", "trigger": "agent", "requires": ["internal_note"]});
    admin.post_on(&transitions, "\"v3\"", lab).await.expect(201);

    let (after, etag) = read(&admin, "consultancy").await;
    assert_eq!(etag, "\"v4\"");
    assert_ne!(after["revision"], consultancy["revision"]);
    assert_eq!(after["statuses"].as_array().unwrap().len(), 17);
    assert_eq!(after["statuses"][10]["code"], "032");
    let new = |t: &&Value| t["from"] == "030" && t["to"] == "032";
    let new = after["transitions"].as_array().unwrap().iter().find(new).unwrap();
    assert_eq!(new["requires"], json!(["internal_note"]));

    let gone = format!("{transitions}/{}", new["id"].as_str().unwrap());
    assert_eq!(admin.delete(&gone, "\"v4\"").await.status, 204);
    admin.delete(&gone, "\"v5\"").await.problem(404, "not_found");
    let (after, _) = read(&admin, "consultancy").await;
    assert_eq!(after["transitions"].as_array().unwrap().len(), 50);

    app.publish().await;
    let events = admin.get("/v1/events?types=resource.changed").await.expect(200);
    let about = format!("workflow/{}", consultancy["id"].as_str().unwrap());
    let items: Vec<&Value> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["subject"] == about)
        .collect();
    assert_eq!(items.len(), 4);
    assert_eq!(items[0]["changes"]["statuses/032"]["to"]["name"], "In the lab");
    let removed = &items[3]["changes"][format!("transitions/{}", new["id"].as_str().unwrap())];
    assert_eq!((&removed["from"]["to"], &removed["to"]), (&json!("032"), &Value::Null));
}

#[actix_web::test]
async fn a_change_that_would_trap_tickets_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (consultancy, _) = read(&admin, "consultancy").await;
    admin.post_on(&path(&consultancy, "/statuses"), "*", status("032")).await.expect(201);
    let into_the_trap = transition("030", "032");
    let refused = admin.post_on(&path(&consultancy, "/transitions"), "*", into_the_trap).await;
    let problem = refused.problem(422, "trap_status");
    assert!(problem["detail"].as_str().unwrap().contains("032"), "{problem}");
    let open = json!({"category": "open"});
    let closed = path(&consultancy, "/statuses/050");
    admin.patch(&closed, "*", open).await.problem(422, "bad_transition");
    let (after, etag) = read(&admin, "consultancy").await;
    assert_eq!((after["transitions"].as_array().unwrap().len(), etag.as_str()), (49, "\"v2\""));
}

#[actix_web::test]
async fn wording_can_change_at_any_time_but_no_category_that_tickets_have() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (consultancy, etag) = read(&admin, "consultancy").await;
    insert_draft(&app).await;
    let status = path(&consultancy, "/statuses/030");
    let change =
        json!({"name": "Root cause analysis", "customer_label": "In analysis", "sla": "paused"});
    let changed = admin.patch(&status, &etag, change).await.expect(200);
    assert_eq!(changed["name"], "Root cause analysis");
    assert_eq!(changed["category"], "open");
    let taken = json!({"key": "INTERNAL"});
    admin.patch(&status, "*", taken).await.problem(409, "already_exists");
    // No ticket has it: its category may change.
    let pending = json!({"category": "pending"});
    assert_eq!(admin.patch(&status, "*", pending).await.expect(200)["category"], "pending");

    // A draft has this one, which also stops being the draft status.
    let new_entry = json!({
        "code": "004", "key": "START", "name": "Started", "category": "draft", "sla": "not_started",
        "awaiting": "customer", "customer_label": "Draft", "sort_order": 5
    });
    admin.post_on(&path(&consultancy, "/statuses"), "*", new_entry).await.expect(201);
    let submit = json!({"from": "004", "to": "010", "trigger": "submit"});
    admin.post_on(&path(&consultancy, "/transitions"), "*", submit).await.expect(201);
    let entry = json!({"draft_status": "004"});
    admin.patch(&path(&consultancy, ""), "*", entry).await.expect(200);
    let open = json!({"category": "open"});
    let draft = path(&consultancy, "/statuses/005");
    admin.patch(&draft, "*", open).await.problem(409, "status_in_use");
    admin.patch(&draft, "*", json!({"name": "Begun"})).await.expect(200);
    let missing = path(&consultancy, "/statuses/777");
    admin.patch(&missing, "*", json!({"name": "x"})).await.problem(404, "not_found");
}

/// A ticket in status 005.
async fn insert_draft(app: &TestApp) {
    let insert = "insert into tickets
        (id, workflow_id, status, category, subject, description, department_id, level, source, opened_by,
         opened_by_role, created_at, updated_at)
        select gen_random_uuid(), workflow_id, '005', 'draft', 'Login', '', id, 'L1', 'api', gen_random_uuid(),
         'agent', now(), now() from departments where is_default";
    let rows = app.service.db.tx(move |conn| Ok(diesel::sql_query(insert).execute(conn)?)).await;
    assert_eq!(rows.unwrap(), 1);
}

#[actix_web::test]
async fn the_reopen_window_moves_the_transitions_that_it_limits() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (consultancy, etag) = read(&admin, "consultancy").await;
    let whole = path(&consultancy, "");
    let change = json!({"name": "Desk", "reopen_window_days": 45});
    let after = admin.patch(&whole, &etag, change).await.expect(200);
    assert_eq!((&after["name"], &after["reopen_window_days"]), (&json!("Desk"), &json!(45)));
    let limited =
        after["transitions"].as_array().unwrap().iter().filter(|t| t["within_days"] == 45);
    assert_eq!(limited.count(), 2);
    let entry = json!({"submitted_status": "050"});
    admin.patch(&whole, "*", entry).await.problem(422, "bad_entry_status");
}

#[actix_web::test]
async fn a_change_needs_the_version_that_was_seen_last() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (consultancy, etag) = read(&admin, "consultancy").await;
    let whole = path(&consultancy, "");
    let name = || json!({"name": "Desk"});
    let blind = Reply::of(admin.request(Method::PATCH, &whole).json(&name())).await;
    blind.problem(428, "precondition_required");
    admin.patch(&whole, &etag, name()).await.expect(200);
    let stale = admin.patch(&whole, &etag, name()).await.problem(412, "stale_version");
    assert_eq!(stale["current_version"], 2);
    let stale = admin.post_on(&path(&consultancy, "/statuses"), &etag, status("032")).await;
    stale.problem(412, "stale_version");
    let unchanged = admin.request(Method::GET, &whole).header("if-none-match", "\"v2\"");
    assert_eq!(Reply::of(unchanged).await.status, 304);
}

#[actix_web::test]
async fn a_new_workflow_is_created_whole_and_once() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (simple, _) = read(&admin, "simple").await;
    let transitions: Vec<Value> = simple["transitions"].as_array().unwrap().clone();
    let transitions = transitions.into_iter().map(|mut transition| {
        transition.as_object_mut().unwrap().remove("id");
        transition
    });
    let mut new = json!({
        "key": "field_service", "name": "Field service", "draft_status": "draft", "submitted_status": "new",
        "reopen_window_days": 10, "statuses": simple["statuses"], "transitions": transitions.collect::<Vec<_>>()
    });
    let send = |body: Value| {
        Reply::of(
            admin
                .request(Method::POST, "/v1/workflows")
                .header("idempotency-key", "w1")
                .json(&body),
        )
    };
    let created = send(new.clone()).await;
    let location = created.header("location").to_owned();
    let created = created.expect(201);
    assert_eq!(admin.get(&location).await.expect(200)["name"], created["name"]);
    let again = send(new.clone()).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201)["id"], created["id"]);

    admin.post("/v1/workflows", new.clone()).await.problem(409, "already_exists");
    new["key"] = json!("other");
    new["statuses"][1]["code"] = json!("a/b");
    let bad = admin.post("/v1/workflows", new.clone()).await.problem(422, "validation_failed");
    assert_eq!(bad["errors"][0]["pointer"], "/statuses/1/code");
    new["statuses"][1]["code"] = json!("draft");
    admin.post("/v1/workflows", new).await.problem(422, "duplicate_status");
}

#[actix_web::test]
async fn the_documented_examples_are_accepted() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let schemas = admin.get("/openapi.json").await.expect(200)["components"]["schemas"].clone();
    let example = |name: &str| schemas[name]["example"].clone();
    admin.post("/v1/workflows", example("NewWorkflow")).await.expect(201);
    let (consultancy, _) = read(&admin, "consultancy").await;
    let transitions = path(&consultancy, "/transitions");
    admin.post_on(&transitions, "*", example("NewTransition")).await.expect(201);
    let status = path(&consultancy, "/statuses/030");
    admin.patch(&status, "*", example("StatusChange")).await.expect(200);
    admin.post("/v1/routing/resolve", example("RoutingQuestion")).await.expect(200);
}

#[actix_web::test]
async fn agents_read_workflows_administrators_change_them_and_contacts_do_neither() {
    let app = TestApp::start().await;
    let (agent, contact) = (app.client(Role::Agent).await, app.client(Role::Contact).await);
    let (consultancy, etag) = read(&agent, "consultancy").await;
    let whole = path(&consultancy, "");
    for path in ["/v1/workflows", &whole, "/v1/statuses", "/v1/priorities"] {
        let refused = contact.get(path).await.problem(403, "forbidden");
        assert_eq!(refused["required_permission"], "workflow:read");
        app.anonymous().get(path).await.problem(401, "unauthenticated");
    }
    let transition_id = consultancy["transitions"][0]["id"].as_str().unwrap();
    let refusals = [
        agent.patch(&whole, &etag, json!({"name": "x"})).await,
        agent.patch(&path(&consultancy, "/statuses/030"), &etag, json!({"name": "x"})).await,
        agent.post_on(&path(&consultancy, "/statuses"), &etag, status("032")).await,
        agent.post_on(&path(&consultancy, "/transitions"), &etag, transition("012", "030")).await,
        agent.delete(&path(&consultancy, &format!("/transitions/{transition_id}")), &etag).await,
    ];
    for refusal in refusals {
        assert_eq!(refusal.problem(403, "forbidden")["required_permission"], "workflow:write");
    }
}

#[actix_web::test]
async fn a_workflow_in_memory_is_never_older_than_its_revision() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (before, etag) = read(&admin, "consultancy").await;
    assert_eq!(load(&app, &before).await.name, "Consultancy");
    let change = json!({"name": "Desk"});
    let after = admin.patch(&path(&before, ""), &etag, change).await.expect(200);
    assert_eq!(load(&app, &after).await.name, "Desk");
    // A transaction that began before the change still decides by what it saw.
    assert_eq!(load(&app, &before).await.name, "Consultancy");
    let unseen = json!({"id": before["id"], "revision": Uuid::nil()});
    assert_eq!(load(&app, &unseen).await.name, "Desk");
}

async fn load(app: &TestApp, workflow: &Value) -> Arc<Workflow> {
    let id: WorkflowId = serde_json::from_value(workflow["id"].clone()).unwrap();
    let revision: Uuid = serde_json::from_value(workflow["revision"].clone()).unwrap();
    app.service.db.read(move |conn| workflow::load(conn, id, revision)).await.unwrap()
}

#[actix_web::test]
async fn concurrent_changes_of_a_workflow_are_all_kept() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (consultancy, _) = read(&admin, "consultancy").await;
    let statuses = path(&consultancy, "/statuses");
    let adding = (200..208).map(|code| {
        let (admin, statuses) = (admin.clone(), statuses.clone());
        async move { admin.post_on(&statuses, "*", status(&code.to_string())).await.expect(201) }
    });
    futures_util::future::join_all(adding).await;
    let (after, etag) = read(&admin, "consultancy").await;
    assert_eq!((after["statuses"].as_array().unwrap().len(), etag.as_str()), (24, "\"v9\""));
}
