//! Macros are made and changed by those who coordinate.
use serde_json::{Value, json};

use super::macros::create;
use crate::support::{TestApp, pointers};

fn tags() -> Value {
    json!([{"operation": "tags", "body": {"add": ["x"]}}])
}

#[actix_web::test]
async fn coordinators_and_administrators_keep_macros_and_agents_see_them() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.agent("Administrator").await, app.agent("L1 agent A").await);
    let found = create(&app, "Tag it", tags()).await;
    let at = format!("/v1/macros/{}", found["id"].as_str().unwrap());
    assert_eq!(agent.get(&at).await.expect(200), found);
    let new = json!({"name": "Mine", "actions": tags()});
    agent.post("/v1/macros", new.clone()).await.problem(422, "may_not_share");
    agent.patch(&at, "*", json!({"active": false})).await.problem(422, "may_not_share");
    agent.delete(&at, "*").await.problem(422, "may_not_share");
    app.contact("Purchasing contact").await.get(&at).await.problem(403, "forbidden");
    let taken = json!({"name": "TAG IT", "actions": tags()});
    admin.post("/v1/macros", taken).await.problem(409, "name_taken");
    let changed =
        admin.patch(&at, "\"v1\"", json!({"active": false, "name": "Tag"})).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Tag"), &json!(2)));
    admin.patch(&at, "\"v1\"", json!({"name": "x"})).await.problem(412, "stale_version");
    let same = admin.patch(&at, "*", json!({"name": "Tag", "actions": tags()})).await.expect(200);
    assert_eq!(same["version"], 2);
    let active = agent.get("/v1/macros?active=true").await.expect(200);
    let names = active["items"].as_array().unwrap().iter().map(|found| &found["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["Close ticket and Survey"]);
    assert_eq!(admin.delete(&at, "\"v2\"").await.status, 204);
    agent.get(&at).await.problem(404, "not_found");
    let told =
        "select string_agg(type, ' ' order by id) as text from events where subject like 'macro/%'";
    let told = app.text(told).await.unwrap();
    assert_eq!(told, "resource.created resource.changed resource.deleted");
}

#[actix_web::test]
async fn an_action_that_no_ticket_could_take_is_refused_when_it_is_saved() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    for (action, pointer) in [
        (json!({"operation": "note", "body": {"body": "{{ nothing }}"}}), "/actions/1/body/body"),
        (json!({"operation": "note", "body": {}}), "/actions/1/body/body"),
        (
            json!({"operation": "note", "body": {"body": "x", "tone": "kind"}}),
            "/actions/1/body/tone",
        ),
        (json!({"operation": "patch", "body": {"priority": "urgent"}}), "/actions/1/body/priority"),
        (json!({"operation": "transition", "body": {"resolution": "x"}}), "/actions/1/body/to"),
        (
            json!({"operation": "transition", "body": {"category": "ended"}}),
            "/actions/1/body/category",
        ),
        (json!({"operation": "survey", "body": {"when": "now"}}), "/actions/1/body"),
        (json!({"operation": "delete"}), "/actions/1/operation"),
        (json!({"operation": "tags", "then": 1}), "/actions/1/then"),
    ] {
        let actions = json!([{"operation": "survey"}, action]);
        let refused =
            coordinator.post("/v1/macros", json!({"name": "x", "actions": actions})).await;
        assert_eq!(pointers(refused), [pointer], "{actions}");
    }
    for actions in [json!([]), json!(vec![json!({"operation": "survey"}); 21])] {
        let refused =
            coordinator.post("/v1/macros", json!({"name": "x", "actions": actions})).await;
        assert_eq!(pointers(refused), ["/actions"]);
    }
    let found = create(&app, "Good", tags()).await;
    let at = format!("/v1/macros/{}", found["id"].as_str().unwrap());
    let bad = json!({"actions": [{"operation": "note", "body": {"body": "{{ x }}"}}]});
    assert_eq!(pointers(coordinator.patch(&at, "*", bad).await), ["/actions/0/body/body"]);
}
