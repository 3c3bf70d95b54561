//! What holds for every operation, whoever adds it: the house rules of the HTTP contract, tried out on each.
use casebridge::kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Operation, PUBLIC, Reply, Spec, TestApp, path};

/// Sends `attempt` of every operation for which there is one, as an administrator; all must be refused so.
async fn all_refuse(
    status: u16,
    code: &str,
    attempt: impl Fn(&Spec, &Operation<'_>, &Client) -> Option<reqwest::RequestBuilder>,
) {
    let (app, spec) = (TestApp::start().await, Spec::read());
    let caller = app.client(Role::Admin).await;
    let (mut tried, mut wrong) = (0, Vec::new());
    for operation in spec.operations().iter().filter(|o| !PUBLIC.contains(&o.id)) {
        let Some(request) = attempt(&spec, operation, &caller) else { continue };
        let reply = Reply::of(request).await;
        tried += 1;
        let named = reply.body["request_id"].as_str() == Some(reply.header("x-request-id"));
        if reply.status != status || reply.body["code"] != code || !named {
            wrong.push(format!("{}: {} {}", operation.id, reply.status, reply.body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 0, "no operation was tried");
}

fn takes_json(spec: &Spec, operation: &Operation<'_>) -> bool {
    operation.body(spec).is_some_and(|(kind, _)| kind.contains("json"))
}

#[actix_web::test]
async fn a_field_that_does_not_exist_is_refused_everywhere() {
    all_refuse(422, "validation_failed", |spec, operation, caller| {
        let mut body = operation.example_body(spec).filter(|_| takes_json(spec, operation))?;
        body.as_object_mut()?.insert("no_such_field".into(), Value::Null);
        let request = operation.bare_request(spec, caller).header("if-match", "\"v1\"");
        Some(request.json(&body))
    })
    .await;
}

#[actix_web::test]
async fn a_body_that_is_not_json_is_refused_everywhere() {
    all_refuse(400, "malformed_request", |spec, operation, caller| {
        let request = operation.bare_request(spec, caller).header("if-match", "\"v1\"");
        let request = request.header("content-type", "application/json").body("{");
        takes_json(spec, operation).then_some(request)
    })
    .await;
    all_refuse(415, "unsupported_media_type", |spec, operation, caller| {
        let request = operation.bare_request(spec, caller).header("if-match", "\"v1\"");
        let request = request.header("content-type", "text/plain").body("{}");
        takes_json(spec, operation).then_some(request)
    })
    .await;
}

#[actix_web::test]
async fn a_change_without_the_version_is_refused_everywhere() {
    all_refuse(428, "precondition_required", |spec, operation, caller| {
        let mut request = operation.bare_request(spec, caller);
        if let Some(body) = operation.example_body(spec) {
            request = request.json(&body);
        }
        operation.has_header(spec, "If-Match").then_some(request)
    })
    .await;
}

#[actix_web::test]
async fn a_query_parameter_that_does_not_exist_is_refused_wherever_there_are_some() {
    all_refuse(400, "malformed_request", |spec, operation, caller| {
        let has_query = operation.parameters(spec).any(|p| p["in"] == "query");
        has_query.then(|| operation.request(spec, caller).query(&[("no_such_parameter", "1")]))
    })
    .await;
}

#[actix_web::test]
async fn a_limit_or_cursor_that_is_none_is_refused_everywhere() {
    for (name, value) in [("limit", "0"), ("limit", "-1"), ("limit", "x"), ("cursor", "nonsense")] {
        all_refuse(400, "malformed_request", |spec, operation, caller| {
            let has = operation.parameters(spec).any(|p| p["in"] == "query" && p["name"] == name);
            has.then(|| operation.request(spec, caller).query(&[(name, value)]))
        })
        .await;
    }
}

#[actix_web::test]
async fn an_id_that_is_none_is_not_found_everywhere() {
    all_refuse(404, "not_found", |spec, operation, caller| {
        // Named by a key or a number instead, their examples are of those that there are.
        let named = ["get_process", "change_process", "get_routing_version"];
        let needs_id = operation.path.contains("{id}") && !named.contains(&operation.id);
        needs_id.then(|| operation.request(spec, caller))
    })
    .await;
}

#[actix_web::test]
async fn what_is_created_is_found_where_the_answer_says_as_the_answer_shows_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let ticket = app.open_ticket(json!({})).await;
    let notes = path(&ticket, "/notes");
    for (at, new) in [
        ("/v1/products", json!({"name": "Somewhere"})),
        ("/v1/categories", json!({"name": "Somewhere"})),
        ("/v1/accounts", json!({"name": "Somewhere"})),
        ("/v1/tickets", json!({"subject": "Somewhere", "draft": true})),
        (&notes, json!({"body": "Somewhere", "visibility": "internal"})),
    ] {
        let made = admin.post(at, new).await;
        let location = made.header("location").to_owned();
        let made = made.expect(201);
        assert_eq!(location, format!("{at}/{}", made["id"].as_str().unwrap()));
        let found = admin.get(&location).await.expect(200);
        assert_eq!(found, made, "{at}");
    }
}

#[actix_web::test]
async fn a_tag_that_a_proxy_has_weakened_still_saves_the_body() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let at = path(&app.open_ticket(json!({})).await, "");
    let etag = admin.get(&at).await.header("etag").to_owned();
    for (tags, status) in [
        (etag.clone(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"v0\", W/{etag}"), 304),
        ("\"v0\"".to_owned(), 200),
    ] {
        let request = admin.request(Method::GET, &at).header("if-none-match", &tags);
        assert_eq!(Reply::of(request).await.status, status, "{tags}");
    }
}
