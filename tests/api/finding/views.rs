//! Saved views: personal and shared, what they find, how many.
use serde_json::{Value, json};

use super::{id, ids};
use crate::support::{Client, TestApp, pointers};

async fn names(caller: &Client) -> Vec<String> {
    let page = caller.get("/v1/views?limit=100").await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items.map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

/// The count of a view by name.
async fn count(caller: &Client, name: &str) -> Value {
    let counts = caller.get("/v1/views/counts").await.expect(200);
    let items = counts["items"].as_array().unwrap();
    items.iter().find(|view| view["name"] == name).unwrap()["count"].clone()
}

async fn ready(app: &TestApp, name: &str) -> String {
    let query =
        format!("select id::text as text from views where name = '{name}' and audience = 'desk'");
    app.text(&query).await.unwrap()
}

#[actix_web::test]
async fn the_views_of_every_desk_find_what_they_say() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let waiting = app.advance_to(&app.open_ticket(json!({})).await, "013").await;
    let closed = app.advance_to(&app.open_ticket(json!({})).await, "050").await;
    let unassigned = app.open_ticket(json!({})).await;
    let mine = app.open_ticket(json!({})).await;
    let me = app.id("agents", "L1 agent A").await;
    app.sql(format!(
        "update tickets set deadline = now() - interval '1 hour' where id = '{}'",
        id(&waiting)
    ))
    .await
    .unwrap();
    app.sql("update tickets set assignee_id = null").await.unwrap();
    app.sql(format!(
        "update tickets set assignee_id = '{me}', severity = 1, impact = 1, priority = 4 where id = '{}'",
        id(&mine)
    ))
    .await
    .unwrap();
    for (name, found) in [
        ("Active tickets", vec![id(&mine), id(&unassigned), id(&waiting)]),
        ("My open tickets", vec![id(&mine)]),
        ("Unassigned", vec![id(&waiting), id(&unassigned)]),
        ("To be triaged", vec![id(&unassigned), id(&waiting)]),
        ("Waiting for the customer", vec![id(&waiting)]),
        ("Waiting for a vendor", vec![]),
        ("Due today", vec![]),
        ("Overdue", vec![id(&waiting)]),
        ("Reopened", vec![]),
    ] {
        let at = format!("/v1/views/{}/tickets", ready(&app, name).await);
        let page = agent.get(&at).await.expect(200);
        let mut got = ids(&page);
        // How they were made decides about the last change, which is not what this is about.
        let mut found = found;
        got.sort_unstable();
        found.sort_unstable();
        assert_eq!(got, found, "{name}");
        let counted = json!({"count": found.len(), "more": false});
        assert_eq!(count(&agent, name).await, counted, "{name}");
        assert!(!ids(&page).contains(&id(&closed)), "{name}");
    }
    // Whoever looks is `me`, and visibility holds as everywhere.
    assert_eq!(count(&coordinator, "My open tickets").await["count"], 0);
    let analyst = app.agent("Business analyst A").await;
    assert_eq!(count(&analyst, "Active tickets").await["count"], 0);
    // A program is no agent.
    let program = app.integration(&[casebridge::kernel::Permission::TicketsRead]).await;
    let program = app.client_for(program).await;
    assert_eq!(count(&program, "My open tickets").await, Value::Null);
    assert_eq!(count(&program, "Active tickets").await["count"], 3);
}

#[actix_web::test]
async fn a_contact_has_the_customers_views_and_their_own() {
    let app = TestApp::start().await;
    app.open_ticket(json!({})).await;
    let contact = app.contact("Purchasing contact").await;
    assert_eq!(
        names(&contact).await,
        ["Active tickets", "Waiting for your reply", "Closed tickets"]
    );
    assert_eq!(count(&contact, "Active tickets").await, json!({"count": 1, "more": false}));
    assert_eq!(count(&app.contact("Warehouse contact").await, "Active tickets").await["count"], 0);
    let desk = ready(&app, "Unassigned").await;
    contact.get(&format!("/v1/views/{desk}")).await.problem(404, "not_found");
    contact.get(&format!("/v1/views/{desk}/tickets")).await.problem(404, "not_found");
    let own =
        json!({"name": "Printers", "filters": {"q": "printer"}, "columns": ["number", "subject"]});
    contact.post("/v1/views", own).await.expect(201);
    assert_eq!(names(&contact).await.last().unwrap(), "Printers");
    for (refused, pointer) in [
        (json!({"name": "x", "filters": {"assignee": "none"}}), "/filters/assignee"),
        (json!({"name": "x", "filters": {"severity": "1"}}), "/filters/severity"),
        (json!({"name": "x", "filters": {}, "sort": "status"}), "/sort"),
        (json!({"name": "x", "filters": {}, "columns": ["subject", "assignee_id"]}), "/columns/1"),
    ] {
        assert_eq!(pointers(contact.post("/v1/views", refused).await), [pointer]);
    }
    let shared = json!({"name": "x", "filters": {}, "audience": "customers"});
    contact.post("/v1/views", shared).await.problem(422, "may_not_share");
}

#[actix_web::test]
async fn a_personal_view_is_its_makers_and_a_shared_one_is_for_its_audience() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let view =
        json!({"name": "Mine", "filters": {"assignee": "me"}, "sort": "-priority", "position": 0});
    let made = agent.post("/v1/views", view).await;
    let at = made.header("location").to_owned();
    let made = made.expect(201);
    assert_eq!(agent.get(&at).await.expect(200), made);
    assert_eq!(names(&agent).await[0], "Mine", "by position");
    assert_eq!((&made["audience"], &made["sort"]), (&json!("personal"), &json!("-priority")));
    coordinator.get(&at).await.problem(404, "not_found");
    coordinator.patch(&at, "*", json!({"name": "Yours"})).await.problem(404, "not_found");
    coordinator.delete(&at, "*").await.problem(404, "not_found");
    assert!(!names(&coordinator).await.contains(&"Mine".to_owned()));
    agent.patch(&at, "*", json!({"audience": "desk"})).await.problem(422, "may_not_share");

    let business = app.id("departments", "Business Unit").await;
    let shared = json!({"name": "Ours", "filters": {"level": "external"}, "audience": "department", "department_id": business});
    let shared = coordinator.post("/v1/views", shared).await.expect(201);
    let shared_at = format!("/v1/views/{}", id(&shared));
    let analyst = app.agent("Business analyst A").await;
    assert!(names(&analyst).await.contains(&"Ours".to_owned()));
    assert!(!names(&agent).await.contains(&"Ours".to_owned()));
    agent.get(&shared_at).await.problem(404, "not_found");
    analyst.patch(&shared_at, "*", json!({"name": "Theirs"})).await.problem(422, "may_not_share");
    analyst.delete(&shared_at, "*").await.problem(422, "may_not_share");
    let changed = json!({"audience": "desk", "department_id": null});
    let changed = coordinator.patch(&shared_at, "\"v1\"", changed).await.expect(200);
    assert_eq!((&changed["version"], &changed["audience"]), (&json!(2), &json!("desk")));
    coordinator
        .patch(&shared_at, "\"v1\"", json!({"name": "x"}))
        .await
        .problem(412, "stale_version");
    assert!(names(&agent).await.contains(&"Ours".to_owned()));
    assert_eq!(coordinator.delete(&shared_at, "\"v2\"").await.status, 204);
    coordinator.get(&shared_at).await.problem(404, "not_found");
    let told = app.text("select type as text from events order by id desc limit 1").await;
    assert_eq!(told.as_deref(), Some("resource.deleted"));
}

#[actix_web::test]
async fn a_view_holds_only_what_a_list_could_be_asked() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    for (refused, pointer) in [
        (json!({"name": "x", "filters": {"colour": "red"}}), "/filters/colour"),
        (json!({"name": "x", "filters": {"priority": "huge"}}), "/filters/priority"),
        (json!({"name": "x", "filters": {"created_from": "yesterday"}}), "/filters/created_from"),
        (json!({"name": "x", "filters": {"limit": "5"}}), "/filters/limit"),
        (json!({"name": "x", "filters": {"fields": "number"}}), "/filters/fields"),
        (json!({"name": "x", "filters": {"cursor": "x"}}), "/filters/cursor"),
        (json!({"name": "x", "filters": {"sort": "number"}}), "/filters/sort"),
        (json!({"name": "x", "filters": {}, "sort": "subject"}), "/sort"),
        (json!({"name": "x", "filters": {}, "columns": ["subject", "colour"]}), "/columns/1"),
        (json!({"name": "", "filters": {}}), "/name"),
        (
            json!({"name": "x", "filters": {"level": "L1"}, "audience": "customers"}),
            "/filters/level",
        ),
        (
            json!({"name": "x", "filters": {"deleted": "true"}, "audience": "customers"}),
            "/filters/deleted",
        ),
        (json!({"name": "x", "filters": {}, "audience": "department"}), "/department_id"),
        (
            json!({"name": "x", "filters": {}, "department_id": uuid::Uuid::now_v7()}),
            "/department_id",
        ),
        (
            json!({"name": "x", "filters": {}, "audience": "department", "department_id": uuid::Uuid::now_v7()}),
            "/department_id",
        ),
    ] {
        let reply = coordinator.post("/v1/views", refused.clone()).await;
        assert_eq!(pointers(reply), [pointer], "{refused}");
    }
    for _ in 0..50 {
        coordinator.post("/v1/views", json!({"name": "x", "filters": {}})).await.expect(201);
    }
    let one_more = coordinator.post("/v1/views", json!({"name": "x", "filters": {}})).await;
    one_more.problem(409, "too_many_views");
    app.agent("L1 agent A")
        .await
        .post("/v1/views", json!({"name": "x", "filters": {}}))
        .await
        .expect(201);
}

#[actix_web::test]
async fn a_view_of_deleted_tickets_finds_nothing_for_who_may_not_see_them() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let bin = json!({"name": "Bin", "filters": {"deleted": "true"}, "audience": "desk"});
    let bin = coordinator.post("/v1/views", bin).await.expect(201);
    let at = format!("/v1/views/{}/tickets", id(&bin));
    assert_eq!(count(&coordinator, "Bin").await, json!({"count": 0, "more": false}));
    assert_eq!(count(&agent, "Bin").await, Value::Null);
    coordinator.get(&at).await.expect(200);
    agent.get(&at).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_column_is_a_field_of_the_tickets_in_a_list() {
    let app = TestApp::start().await;
    app.open_ticket(json!({})).await;
    let of = async |caller: &Client| {
        let page = caller.get("/v1/tickets").await.expect(200);
        let fields = page["items"][0].as_object().unwrap().keys().cloned();
        fields.filter(|field| field != "id").collect::<Vec<_>>()
    };
    for caller in [app.agent("Coordinator").await, app.contact("Purchasing contact").await] {
        let mut columns = of(&caller).await;
        columns.retain(|column| column != "deleted_at");
        let all = json!({"name": "Everything", "filters": {}, "columns": columns});
        caller.post("/v1/views", all).await.expect(201);
    }
}

#[actix_web::test]
async fn the_log_tells_of_shared_views_and_nothing_of_what_somebody_looks_for() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let told = async || {
        let types = "select coalesce(string_agg(type, ' ' order by id), '') as text from events where subject like 'view/%'";
        app.text(types).await.unwrap()
    };
    let personal = json!({"name": "Mine", "filters": {"q": "somebody"}});
    let view = coordinator.post("/v1/views", personal).await.expect(201);
    let at = format!("/v1/views/{}", view["id"].as_str().unwrap());
    coordinator.patch(&at, "*", json!({"filters": {"q": "nobody"}})).await.expect(200);
    assert_eq!(told().await, "");
    let shared = json!({"audience": "desk", "filters": {"category": "active"}});
    coordinator.patch(&at, "*", shared).await.expect(200);
    coordinator.patch(&at, "*", json!({"name": "Ours"})).await.expect(200);
    coordinator.patch(&at, "*", json!({"audience": "personal"})).await.expect(200);
    coordinator.delete(&at, "*").await.expect(204);
    assert_eq!(told().await, "resource.created resource.changed resource.deleted");
    let private = "select count(*) as number from events where subject like 'view/%' and changes::text like '%body%'";
    assert_eq!(app.number(private).await, 0);
}
