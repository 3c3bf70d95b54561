//! Macros on tickets: previewed, and applied as a whole or not at all.
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{history, told_after};
use crate::support::{Client, Reply, TestApp, path, pointers};

pub async fn create(app: &TestApp, name: &str, actions: Value) -> Value {
    let new = json!({"name": name, "actions": actions});
    app.agent("Coordinator").await.post("/v1/macros", new).await.expect(201)
}

pub async fn apply(
    caller: &Client,
    ticket: &Value,
    found: &Value,
    etag: &str,
    values: Value,
) -> Reply {
    let at = format!("/macros/{}/apply", found["id"].as_str().unwrap());
    caller.post_on(&path(ticket, &at), etag, json!({"values": values})).await
}

async fn preview(caller: &Client, ticket: &Value, found: &Value, values: Value) -> Reply {
    let at = format!("/macros/{}/preview", found["id"].as_str().unwrap());
    caller.post(&path(ticket, &at), json!({"values": values})).await
}

pub async fn close_and_survey(app: &TestApp) -> Value {
    let page = app.agent("L1 agent A").await.get("/v1/macros?q=close").await.expect(200);
    page["items"][0].clone()
}

fn answer() -> Value {
    json!([
        {"operation": "note", "body": {"body": "Dear {{ contact.name }}, {{ input.what }}."}},
        {"operation": "note", "body": {"body": "Told them: {{ input.what }}", "visibility": "internal"}},
        {"operation": "patch", "body": {"priority": "high"}},
        {"operation": "tags", "body": {"add": ["answered"]}},
        {"operation": "assign", "body": {"agent_id": null, "reason": "{{ ticket.number }} waits"}},
    ])
}

#[actix_web::test]
async fn close_ticket_and_survey_ships_ready_and_works_in_every_workflow() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let found = close_and_survey(&app).await;
    assert_eq!(
        (&found["name"], &found["asks"]),
        (&json!("Close ticket and Survey"), &json!(["resolution"]))
    );
    for department in ["Support", "Internal IT"] {
        let ticket = app.open_ticket(json!({})).await;
        if department == "Internal IT" {
            let moved =
                "update tickets t set workflow_id = w.id, status = 'open', category = 'open'
                from workflows w where w.key = 'simple' and t.id = ";
            let moved = format!("{moved}'{}'", ticket["id"].as_str().unwrap());
            assert_eq!(app.sql(moved).await.unwrap(), 1);
        } else {
            app.advance_to(&ticket, "030").await;
        }
        let before = app.read(&ticket).await["version"].as_i64().unwrap();
        let values = json!({"resolution": "The limit was raised."});
        let closed = apply(&coordinator, &ticket, &found, "*", values).await;
        assert_eq!(closed.header("etag"), format!("\"v{}\"", before + 3));
        let closed = closed.expect(200);
        assert_eq!(closed["status"]["category"], "closed", "{department}");
        assert_eq!(closed["resolution"], "The limit was raised.");
        // What sends surveys acts on the last one.
        let told = ["ticket.macro_applied", "ticket.status_changed", "ticket.survey_requested"];
        assert_eq!(told_after(&coordinator, &ticket, before).await, told);
    }
    app.loads_are_true().await;
}

#[actix_web::test]
async fn a_macro_does_all_of_its_actions_in_their_order() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "020").await;
    let before = app.read(&ticket).await;
    let found = create(&app, "Answer", answer()).await;
    assert_eq!(found["asks"], json!(["what"]));
    let etag = format!("\"v{}\"", before["version"]);
    let after =
        apply(&agent, &ticket, &found, &etag, json!({"what": "it works"})).await.expect(200);
    assert_eq!((&after["priority"], &after["tags"]), (&json!("high"), &json!(["answered"])));
    assert_eq!(after["assignee_id"], Value::Null);
    let version = before["version"].as_i64().unwrap();
    assert_eq!(after["version"].as_i64().unwrap(), version + 6);
    let notes = agent.get(&path(&ticket, "/notes?limit=100")).await.expect(200);
    let notes = notes["items"].as_array().unwrap();
    let last: Vec<_> =
        notes[notes.len() - 2..].iter().map(|n| (&n["body"], &n["visibility"])).collect();
    let said = [
        (&json!("Dear Purchasing contact, it works."), &json!("public")),
        (&json!("Told them: it works"), &json!("internal")),
    ];
    assert_eq!(last, said);
    let first = history(&agent, &ticket).await.into_iter();
    let first = first.filter(|event| event["ticket_version"] == version + 1).collect::<Vec<_>>();
    assert_eq!(first[0]["type"], "ticket.macro_applied");
    let data = json!({"macro_id": found["id"], "macro": "Answer",
        "operations": ["note", "note", "patch", "tags", "assign"]});
    assert_eq!(first[0]["data"], data);
    // The customer sees the answer, and not how it came about.
    let seen = history(&app.contact("Purchasing contact").await, &ticket).await;
    assert!(seen.iter().all(|event| event["type"] != "ticket.macro_applied"));
}

#[actix_web::test]
async fn a_refusal_leaves_nothing_and_says_where_it_is() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.follow_automatic().await;
    let before = app.read(&ticket).await;
    let bad = create(
        &app,
        "Too far",
        json!([
            {"operation": "note", "body": {"body": "We are there"}},
            {"operation": "transition", "body": {"to": "045"}},
        ]),
    )
    .await;
    let refused = apply(&coordinator, &ticket, &bad, "*", json!({})).await;
    assert!(refused.problem(409, "transition_not_allowed")["allowed_transitions"].is_array());
    let closed = create(
        &app,
        "No words",
        json!([
            {"operation": "tags", "body": {"add": ["x"]}},
            {"operation": "transition", "body": {"to": "050"}},
        ]),
    )
    .await;
    let refused = apply(&coordinator, &ticket, &closed, "*", json!({})).await;
    assert_eq!(pointers(refused), ["/actions/1/body/resolution"]);
    let held =
        create(&app, "Hold", json!([{"operation": "transition", "body": {"category": "on_hold"}}]))
            .await;
    apply(&coordinator, &ticket, &held, "*", json!({}))
        .await
        .problem(409, "transition_not_allowed");
    assert_eq!(app.read(&ticket).await, before);
    assert_eq!(
        told_after(&coordinator, &ticket, before["version"].as_i64().unwrap()).await,
        Vec::<String>::new()
    );
    assert_eq!(app.number("select count(*) as number from notes").await, 0);
}

#[actix_web::test]
async fn a_preview_tells_what_would_be_and_takes_everything_back() {
    let app = TestApp::start().await;
    let agent = app.agent("L1 agent A").await;
    let ticket = app.open_ticket(json!({})).await;
    app.advance_to(&ticket, "020").await;
    let before = app.read(&ticket).await;
    let everything = "select md5(string_agg(t::text, '' order by t::text)) as text from (
        select row_to_json(x)::text t from tickets x union all select row_to_json(x)::text from notes x
        union all select row_to_json(x)::text from events x union all select row_to_json(x)::text from assignments x
        union all select row_to_json(x)::text from agents x) t";
    let state = app.text(everything).await;
    let found = create(&app, "Answer", answer()).await;
    let shown = preview(&agent, &ticket, &found, json!({"what": "it **works**"})).await.expect(200);
    assert_eq!(shown["applicable"], true);
    assert_eq!(shown["changes"]["priority"], json!({"from": "normal", "to": "high"}));
    assert_eq!(shown["changes"]["tags"], json!({"from": [], "to": ["answered"]}));
    assert_eq!(shown["changes"]["assignee_id"]["from"], before["assignee_id"]);
    assert_eq!(
        shown["notes"][0]["body_html"],
        "<p>Dear Purchasing contact, it <strong>works</strong>.</p>"
    );
    assert_eq!(shown["notes"].as_array().unwrap().len(), 2);
    let operations = shown["actions"].as_array().unwrap().iter().map(|action| &action["operation"]);
    assert_eq!(operations.collect::<Vec<_>>(), ["note", "note", "patch", "tags", "assign"]);

    // Every refusal is told, and what is possible beside them.
    let bad = create(
        &app,
        "Too far",
        json!([
            {"operation": "transition", "body": {"to": "045"}},
            {"operation": "tags", "body": {"add": ["x"]}},
            {"operation": "transition", "body": {"category": "closed"}},
            {"operation": "survey"},
        ]),
    )
    .await;
    let shown = preview(&agent, &ticket, &bad, json!({})).await.expect(200);
    assert_eq!(shown["applicable"], false);
    let problems: Vec<_> =
        shown["actions"].as_array().unwrap().iter().map(|a| &a["problem"]["code"]).collect();
    let null = Value::Null;
    assert_eq!(
        problems,
        [&json!("transition_not_allowed"), &null, &json!("validation_failed"), &null]
    );
    assert_eq!(
        shown["actions"][2]["problem"]["errors"][0]["pointer"],
        "/actions/2/body/resolution"
    );
    assert_eq!(shown["changes"], json!({"tags": {"from": [], "to": ["x"]}}));
    assert_eq!(app.read(&ticket).await, before);
    let of_macros = "select count(*) as number from events where subject like 'macro/%'";
    assert_eq!(app.number(of_macros).await, 2);
    let tickets_own =
        everything.replace("from events x", "from events x where subject not like 'macro/%'");
    assert_eq!(app.text(&tickets_own).await, state);
}

#[actix_web::test]
async fn a_macro_gets_what_it_asks_for_and_nothing_else() {
    let app = TestApp::start().await;
    let agent = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.follow_automatic().await;
    let found = create(&app, "Answer", answer()).await;
    for (values, pointer) in [
        (json!({}), "/values/what"),
        (json!({"what": " "}), "/values/what"),
        (json!({"what": "x", "why": "y"}), "/values/why"),
    ] {
        assert_eq!(pointers(apply(&agent, &ticket, &found, "*", values.clone()).await), [pointer]);
        assert_eq!(pointers(preview(&agent, &ticket, &found, values).await), [pointer]);
    }
    // What is filled in is no text with placeholders of its own.
    let literal = json!({"what": "{{ account.name }} {% if %}"});
    apply(&agent, &ticket, &found, "*", literal).await.expect(200);
    let notes = agent.get(&path(&ticket, "/notes")).await.expect(200);
    assert_eq!(notes["items"][0]["body"], "Dear Purchasing contact, {{ account.name }} {% if %}.");
}

#[actix_web::test]
async fn a_macro_has_the_rights_of_who_applies_it_and_the_version_that_they_saw() {
    let app = TestApp::start().await;
    let (coordinator, agent) = (app.agent("Coordinator").await, app.agent("L1 agent A").await);
    let ticket = app.open_ticket(json!({})).await;
    app.follow_automatic().await;
    let found = create(&app, "Tag", json!([{"operation": "tags", "body": {"add": ["x"]}}])).await;
    let version = app.read(&ticket).await["version"].as_i64().unwrap();
    let stale = apply(&coordinator, &ticket, &found, "\"v1\"", json!({})).await;
    assert_eq!(stale.problem(412, "stale_version")["current_version"], version);
    let without = path(&ticket, &format!("/macros/{}/apply", found["id"].as_str().unwrap()));
    coordinator.post(&without, json!({})).await.problem(428, "precondition_required");
    let contact = app.contact("Purchasing contact").await;
    apply(&contact, &ticket, &found, "*", json!({})).await.problem(403, "forbidden");
    preview(&contact, &ticket, &found, json!({})).await.problem(403, "forbidden");
    app.move_elsewhere(&ticket).await;
    apply(&agent, &ticket, &found, "*", json!({})).await.problem(404, "not_found");
    preview(&agent, &ticket, &found, json!({})).await.problem(404, "not_found");
    let nothing = json!({"id": uuid::Uuid::now_v7()});
    apply(&coordinator, &ticket, &nothing, "*", json!({})).await.problem(404, "not_found");
    let at = format!("/v1/macros/{}", found["id"].as_str().unwrap());
    coordinator.patch(&at, "*", json!({"active": false})).await.expect(200);
    apply(&coordinator, &ticket, &found, "*", json!({})).await.problem(404, "not_found");
    let draft = app.open_ticket(json!({"draft": true})).await;
    coordinator.patch(&at, "*", json!({"active": true})).await.expect(200);
    apply(&coordinator, &draft, &found, "*", json!({})).await.problem(409, "not_submitted");
    coordinator.delete(&path(&ticket, ""), "*").await;
    apply(&coordinator, &ticket, &found, "*", json!({})).await.problem(409, "ticket_deleted");
}

#[actix_web::test]
async fn of_many_who_apply_it_to_the_version_they_saw_one_does() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    app.follow_automatic().await;
    let found = create(&app, "Answer", answer()).await;
    let etag = format!("\"v{}\"", app.read(&ticket).await["version"]);
    let tries = (0..8).map(|_| apply(&coordinator, &ticket, &found, &etag, json!({"what": "x"})));
    let mut statuses: Vec<u16> =
        join_all(tries).await.into_iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(app.number("select count(*) as number from notes").await, 2);
    app.loads_are_true().await;
}

#[actix_web::test]
async fn a_bulk_job_applies_a_macro_to_each_ticket_by_itself() {
    let app = TestApp::start().await;
    let coordinator = app.agent("Coordinator").await;
    let (ticket, done) = (app.open_ticket(json!({})).await, app.open_ticket(json!({})).await);
    app.advance_to(&done, "050").await;
    let found = close_and_survey(&app).await;
    let body = json!({"macro_id": found["id"], "values": {"resolution": "Solved for {{ all }}"}});
    let start = json!({"operation": "macro", "body": body, "ids": [ticket["id"], done["id"]]});
    let job = coordinator.post("/v1/bulk-jobs", start).await.expect(202);
    app.run_jobs().await;
    let at = format!("/v1/bulk-jobs/{}/outcomes", job["id"].as_str().unwrap());
    let outcomes = coordinator.get(&at).await.expect(200);
    let statuses: Vec<_> =
        outcomes["items"].as_array().unwrap().iter().map(|o| &o["status"]).collect();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(outcomes["items"][1]["code"], "transition_not_allowed");
    assert_eq!(app.read(&ticket).await["resolution"], "Solved for {{ all }}");
    let unread = json!({"operation": "macro", "body": {"values": {}}, "ids": [ticket["id"]]});
    let unread = coordinator.post("/v1/bulk-jobs", unread).await;
    assert_eq!(pointers(unread), ["/body/macro_id"]);
}
