//! The routing table and its versions.
use casebridge::kernel::Role;
use chrono::{SecondsFormat, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, path, pointers};

const TABLE: &str = "/v1/routing/table";

async fn component(app: &TestApp, name: &str) -> String {
    format!("/v1/components/{}", app.id("components", name).await)
}

async fn rows(caller: &Client, query: &str) -> Vec<Value> {
    let page = caller.get(&format!("{TABLE}?limit=100{query}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

fn named<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter().find(|row| row["name"] == name).unwrap()
}

#[actix_web::test]
async fn every_change_that_leads_tickets_elsewhere_makes_a_version() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let data = component(&app, "Data").await;
    let first = admin.get(TABLE).await;
    assert_eq!(first.header("etag"), "\"v2\"", "the seed data is one version");
    assert_eq!(rows(&admin, "").await.len(), 23);
    // What it is about leads nobody anywhere.
    admin.patch(&data, "*", json!({"covers": "tables"})).await.expect(200);
    assert_eq!(admin.get(TABLE).await.header("etag"), "\"v2\"");
    let before = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    admin.patch(&data, "*", json!({"level": "L1"})).await.expect(200);
    assert_eq!(admin.get(TABLE).await.header("etag"), "\"v3\"");
    admin.patch(&data, "*", json!({"level": "L1"})).await.expect(200);
    assert_eq!(admin.get(TABLE).await.header("etag"), "\"v3\"");

    assert_eq!(named(&rows(&admin, "").await, "Data")["level"], "L1");
    assert_eq!(named(&rows(&admin, "&version=2").await, "Data")["level"], "L2");
    admin.get(&format!("{TABLE}?version=9")).await.problem(404, "not_found");
    let list = admin.get("/v1/routing/versions").await.expect(200);
    let numbers: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|version| &version["version"]).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(list["items"][0]["changed_by_name"], "Administrator");
    let third = admin.get("/v1/routing/versions/3").await.expect(200);
    assert_eq!(third["changes"].as_array().unwrap().len(), 1);
    assert_eq!(third["changes"][0]["name"], "Data");
    assert_eq!(third["changes"][0]["changes"], json!({"level": {"from": "L2", "to": "L1"}}));
    let whole = admin.get("/v1/routing/versions/3?against=1").await.expect(200);
    assert_eq!(whole["changes"].as_array().unwrap().len(), 23);
    // Back to where it was: between the second and the fourth nothing differs.
    admin.patch(&data, "*", json!({"level": "L2"})).await.expect(200);
    let none = admin.get("/v1/routing/versions/4?against=2").await.expect(200);
    assert_eq!(none["changes"], json!([]));
    admin.get("/v1/routing/versions/9").await.problem(404, "not_found");

    let ask = |question: Value| admin.post("/v1/routing/resolve", question);
    let now = ask(json!({"component": "Data"})).await.expect(200);
    assert_eq!((&now["level"], &now["routing_version"]), (&json!("L2"), &json!(4)));
    let then = ask(json!({"component": "data", "version": 3})).await.expect(200);
    assert_eq!((&then["level"], &then["routing_version"]), (&json!("L1"), &json!(3)));
    let at = ask(json!({"component": "Data", "at": before})).await.expect(200);
    assert_eq!((&at["level"], &at["routing_version"]), (&json!("L2"), &json!(2)));
    assert_eq!(pointers(ask(json!({"component": "Data", "version": 9})).await), ["/version"]);
    assert_eq!(pointers(ask(json!({"at": "2001-01-01T00:00:00Z"})).await), ["/at"]);
    assert_eq!(pointers(ask(json!({"version": 1, "at": before})).await), ["/at"]);
    // The first version had no components.
    assert_eq!(pointers(ask(json!({"component": "Data", "version": 1})).await), ["/component"]);
}

#[actix_web::test]
async fn a_ticket_has_the_version_that_led_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let data = app.id("components", "Data").await;
    let earlier = app.open_ticket(json!({"component_id": data})).await;
    assert_eq!(earlier["routing_version"], 2);
    let at = format!("/v1/components/{data}");
    admin.patch(&at, "*", json!({"level": "L1"})).await.expect(200);
    let later = app.open_ticket(json!({"component_id": data})).await;
    assert_eq!((&later["routing_version"], &later["level"]), (&json!(3), &json!("L1")));
    let kept = app.read(&earlier).await;
    assert_eq!((&kept["routing_version"], &kept["level"]), (&json!(2), &json!("L2")));
    let contact = app.contact("Purchasing contact").await;
    let seen = contact.get(&path(&later, "")).await.expect(200);
    assert!(seen.get("routing_version").is_none());
}

#[actix_web::test]
async fn many_rows_change_as_one_version_or_not_at_all() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let (data, db) = (app.id("components", "Data").await, app.id("components", "DB").await);
    let both = json!({"components": [
        {"component_id": data, "level": "L1"}, {"component_id": db, "active": false},
    ]});
    let dry = format!("{TABLE}?dry_run=true");
    let preview = admin.patch(&dry, "\"v2\"", both.clone()).await.expect(200);
    assert_eq!((&preview["version"], &preview["against"]), (&json!(3), &json!(2)));
    assert_eq!(preview["changes"].as_array().unwrap().len(), 2);
    assert_eq!(admin.get(TABLE).await.header("etag"), "\"v2\"");
    let events = "select count(*) as number from events where type = 'resource.changed'
        and subject like 'component/%'";
    assert_eq!(app.number(events).await, 0);

    let changed = admin.patch(TABLE, "\"v2\"", both.clone()).await;
    assert_eq!(changed.header("etag"), "\"v3\"");
    assert_eq!(changed.expect(200), preview);
    assert_eq!(app.number(events).await, 2);
    admin.patch(TABLE, "\"v2\"", both.clone()).await.problem(412, "stale_version");
    let nothing = admin.patch(TABLE, "\"v3\"", both).await.expect(200);
    assert_eq!((&nothing["version"], &nothing["changes"]), (&json!(3), &json!([])));

    for (wrong, pointer) in [
        (json!({"component_id": db, "level": "third_line"}), "/components/1/level"),
        (json!({"component_id": db, "process": "account_manager"}), "/components/1/process"),
        (json!({"component_id": data, "level": "L2"}), "/components/1/component_id"),
        (json!({"component_id": uuid::Uuid::nil()}), "/components/1/component_id"),
        (
            json!({"component_id": db, "department_id": uuid::Uuid::nil()}),
            "/components/1/department_id",
        ),
    ] {
        let rows = json!({"components": [{"component_id": data, "level": "L2"}, wrong]});
        assert_eq!(pointers(admin.patch(TABLE, "*", rows).await), [pointer]);
    }
    assert_eq!(named(&rows(&admin, "").await, "Data")["level"], "L1", "a refusal changes nothing");
}

#[actix_web::test]
async fn changes_at_the_same_time_make_a_version_each() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let names = ["Application", "Data", "DB", "Events", "Queues", "Task", "Upgrade", "Marketing"];
    let at = join_all(names.map(|name| component(&app, name))).await;
    let change = json!({"active": false});
    let changed = join_all(at.iter().map(|at| admin.patch(at, "*", change.clone()))).await;
    assert!(changed.iter().all(|reply| reply.status == 200));
    assert_eq!(app.number("select count(*) as number from routing_versions").await, 10);
    assert_eq!(app.number("select version::bigint as number from routing_head").await, 10);
    let wrong = "select count(*) as number from components c where not exists (select from routing_entries e
        where e.component_id = c.id and e.until_version is null and (e.level, e.active) = (c.level, c.active))";
    assert_eq!(app.number(wrong).await, 0);
}

#[actix_web::test]
async fn the_table_is_paged_by_name_and_is_the_desks_own() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let (mut names, mut at) = (Vec::new(), format!("{TABLE}?limit=10"));
    let last = loop {
        let page = agent.get(&at).await.expect(200);
        names.extend(page["items"].as_array().unwrap().iter().map(|row| row["name"].clone()));
        match page["next"].as_str() {
            Some(next) => at = format!("{TABLE}?limit=10&cursor={next}"),
            None => break page,
        }
    };
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| name.as_str().unwrap().to_lowercase());
    assert_eq!((names.len(), &names), (23, &sorted));
    let prev = last["prev"].as_str().unwrap();
    let back = agent.get(&format!("{TABLE}?limit=10&cursor={prev}")).await.expect(200);
    assert_eq!(back["items"][9]["name"], names[19]);

    let contact = app.client(Role::Contact).await;
    for path in [TABLE, "/v1/routing/versions", "/v1/routing/versions/2"] {
        contact.get(path).await.problem(403, "forbidden");
    }
    contact.post("/v1/routing/resolve", json!({})).await.problem(403, "forbidden");
    let row = json!({"components": [{"component_id": app.id("components", "Data").await}]});
    agent.patch(TABLE, "*", row).await.problem(403, "forbidden");
}
