//! Texts that are sent again and again.
use serde_json::{Value, json};

use crate::support::{Client, TestApp, path, pointers};

const AT: &str = "/v1/canned-replies";

async fn create(caller: &Client, new: Value) -> Value {
    caller.post(AT, new).await.expect(201)
}

async fn names(caller: &Client, query: &str) -> Vec<String> {
    let page = caller.get(&format!("{AT}{query}")).await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items.map(|reply| reply["name"].as_str().unwrap().to_owned()).collect()
}

fn at(reply: &Value) -> String {
    format!("{AT}/{}", reply["id"].as_str().unwrap())
}

#[actix_web::test]
async fn a_reply_is_seen_by_those_it_is_for() {
    let app = TestApp::start().await;
    let (coordinator, agent, manager) = (
        app.agent("Coordinator").await,
        app.agent("L1 agent A").await,
        app.agent("Account manager A").await,
    );
    let support = app.id("departments", "Support").await;
    let mine = create(&agent, json!({"name": "a mine", "body": "x"})).await;
    assert_eq!((&mine["audience"], &mine["version"]), (&json!("personal"), &json!(1)));
    let team =
        json!({"name": "B team", "body": "x", "audience": "department", "department_id": support});
    create(&coordinator, team).await;
    let desk =
        create(&coordinator, json!({"name": "c desk", "body": "Which y%?", "audience": "desk"}))
            .await;
    assert_eq!(names(&agent, "").await, ["a mine", "B team", "c desk"]);
    assert_eq!(names(&manager, "").await, ["c desk"]);
    assert_eq!(names(&coordinator, "").await, ["B team", "c desk"]);
    assert_eq!(names(&agent, "?q=Y%25").await, ["c desk"]);
    assert_eq!(names(&agent, "?q=TEAM&limit=1").await, ["B team"]);
    let first = agent.get(&format!("{AT}?limit=2")).await.expect(200);
    let rest = format!("?limit=2&cursor={}", first["next"].as_str().unwrap());
    assert_eq!(names(&agent, &rest).await, ["c desk"]);
    for other in [&manager, &coordinator] {
        other.get(&at(&mine)).await.problem(404, "not_found");
        other.patch(&at(&mine), "*", json!({"name": "y"})).await.problem(404, "not_found");
        other.delete(&at(&mine), "*").await.problem(404, "not_found");
    }
    agent.patch(&at(&desk), "*", json!({"name": "y"})).await.problem(422, "may_not_share");
    agent.delete(&at(&desk), "*").await.problem(422, "may_not_share");
    let shared = agent.patch(&at(&mine), "*", json!({"audience": "desk"})).await;
    shared.problem(422, "may_not_share");
    app.contact("Purchasing contact").await.get(AT).await.problem(403, "forbidden");
    // What is personal is told to nobody.
    app.publish().await;
    let feed = agent.get("/v1/events?limit=100").await.expect(200).to_string();
    assert!(!feed.contains("a mine"), "{feed}");
    let told = "select count(*) as number from events where subject like 'canned-reply/%'";
    assert_eq!(app.number(told).await, 2);
}

#[actix_web::test]
async fn a_reply_is_changed_on_the_version_that_was_seen_and_deleted_for_good() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let reply = create(&coordinator, json!({"name": "Mine", "body": "x"})).await;
    let changed = coordinator.patch(&at(&reply), "\"v1\"", json!({"body": "y"})).await.expect(200);
    assert_eq!((&changed["body"], &changed["version"]), (&json!("y"), &json!(2)));
    let stale = coordinator.patch(&at(&reply), "\"v1\"", json!({"body": "z"})).await;
    assert_eq!(stale.problem(412, "stale_version")["current_version"], 2);
    let same = coordinator.patch(&at(&reply), "\"v2\"", json!({"body": "y"})).await.expect(200);
    assert_eq!(same["version"], 2);
    let shared = coordinator.patch(&at(&reply), "*", json!({"audience": "desk"})).await.expect(200);
    assert_eq!(shared["audience"], "desk");
    let department = json!({"audience": "department"});
    assert_eq!(pointers(coordinator.patch(&at(&reply), "*", department).await), ["/department_id"]);
    let unknown = json!({"audience": "department", "department_id": uuid::Uuid::now_v7()});
    assert_eq!(pointers(coordinator.patch(&at(&reply), "*", unknown).await), ["/department_id"]);
    assert_eq!(coordinator.delete(&at(&reply), "*").await.status, 204);
    coordinator.get(&at(&reply)).await.problem(404, "not_found");
    let told = "select string_agg(type, ' ' order by id) as text from events where subject like 'canned-reply/%'";
    assert_eq!(app.text(told).await.unwrap(), "resource.created resource.deleted");
}

#[actix_web::test]
async fn a_ticket_fills_a_reply_in() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let ticket = app.open_ticket(json!({"subject": "Export [x](javascript:1)"})).await;
    let body = "Dear {{ contact.name }} of {{ account.name }},\n{{ ticket.number }} \
        ({{ ticket.status }}, {{ ticket.priority | upper }}): **{{ ticket.subject }}**.\
        {% if ticket.url %}See {{ ticket.url }}{% endif %}\n{{ product.name }}, {{ department.name }}, {{ agent.name }}, \
        {{ account.manager_name }} <{{ account.manager_email }}>{{ ticket.resolution }}";
    let reply = create(&agent, json!({"name": "All", "body": body})).await;
    let preview = format!("{}/preview", at(&reply));
    let filled = agent.post(&preview, json!({"ticket_id": ticket["id"]})).await.expect(200);
    let expected = format!(
        "Dear Purchasing contact of Northwind Services,\n{} ({}, NORMAL): **Export [x](javascript:1)**.\n\
        CoreTrac, Support, L1 agent A, Account manager A <account-manager-a@desk.example>",
        ticket["number"].as_str().unwrap(),
        ticket["status"]["label"].as_str().unwrap(),
    );
    assert_eq!(filled["body"], expected);
    let html = filled["body_html"].as_str().unwrap();
    assert!(html.contains("<strong>Export <a rel") && !html.contains("javascript"), "{html}");
    // Nothing was sent.
    assert_eq!(app.read(&ticket).await["version"], ticket["version"]);

    let nobody = json!({"ticket_id": uuid::Uuid::now_v7()});
    assert_eq!(pointers(agent.post(&preview, nobody).await), ["/ticket_id"]);
    app.move_elsewhere(&ticket).await;
    let unseen = agent.post(&preview, json!({"ticket_id": ticket["id"]})).await;
    assert_eq!(pointers(unseen), ["/ticket_id"]);
    agent.get(&path(&ticket, "")).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_nothing_fills_in_is_refused_when_it_is_saved() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    for body in [
        "{{ ticket.nummer }}",
        "{{ input.days }}",
        "{{ ticket.number",
        "{% for x in 'abc' %}{% endfor %}",
        "{{ 'x' * 100000000 }}",
    ] {
        let refused = agent.post(AT, json!({"name": "x", "body": body})).await;
        assert_eq!(pointers(refused), ["/body"], "{body}");
    }
    let reply = create(&agent, json!({"name": "x", "body": "x"})).await;
    let refused = agent.patch(&at(&reply), "*", json!({"body": "{{ who }}"})).await;
    let refused = refused.problem(422, "validation_failed");
    assert!(refused["detail"].as_str().unwrap().contains("there are ticket.number"), "{refused}");
}

#[actix_web::test]
async fn there_are_so_many_and_no_more() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let many = format!(
        "insert into canned_replies (id, name, audience, owner_id, body, created_at, updated_at)
         select gen_random_uuid(), 'n' || n, 'personal', '{}', 'x', now(), now() from generate_series(1, 200) n",
        app.id("agents", "L1 agent A").await
    );
    app.sql(many).await.unwrap();
    let one = json!({"name": "x", "body": "x"});
    agent.post(AT, one.clone()).await.problem(409, "too_many_canned_replies");
    create(&app.agent("Coordinator").await, one).await;
}
