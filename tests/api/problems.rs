//! Every refusal is a problem document that names the request, whoever refuses: the service, the framework,
//! or the database.
use casebridge::kernel::Role;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

/// The problem that this reply must be, quoting its own request id.
#[track_caller]
fn problem(reply: Reply, status: u16, code: &str) -> Value {
    let id = reply.header("x-request-id").to_owned();
    let problem = reply.problem(status, code);
    assert!(!id.is_empty());
    assert_eq!(problem["request_id"], json!(id));
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("/problems/{code}"));
    problem
}

async fn post_text(caller: &Client, kind: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = caller.request(Method::POST, "/v1/clients");
    Reply::of(request.header("content-type", kind).body(body)).await
}

#[actix_web::test]
async fn an_unknown_path_is_404_and_a_wrong_method_405_with_those_that_are_allowed() {
    let app = TestApp::start().await;
    let caller = app.anonymous();
    for path in ["/", "/v1", "/v1/no-such-thing", "/v1/clients/1/2/3", "/%ff", "/v1//clients"] {
        let unknown = problem(caller.get(path).await, 404, "not_found");
        assert_eq!(unknown["instance"].as_str().unwrap(), path);
    }
    for method in [Method::DELETE, Method::PUT, Method::TRACE] {
        let reply = Reply::of(caller.request(method, "/v1/clients")).await;
        assert_eq!(reply.header("allow"), "GET, HEAD, POST, OPTIONS");
        problem(reply, 405, "method_not_allowed");
    }
}

#[actix_web::test]
async fn head_answers_as_get_without_a_body_and_options_tells_the_methods() {
    let app = TestApp::start().await;
    let caller = app.client(Role::Admin).await;
    let head = Reply::of(caller.request(Method::HEAD, "/v1/me")).await;
    assert_eq!((head.status, head.header("content-type")), (200, "application/json"));
    assert_eq!(head.body, json!(""));
    let refused = Reply::of(app.anonymous().request(Method::HEAD, "/v1/me")).await;
    assert_eq!(refused.status, 401);
    let options = Reply::of(caller.request(Method::OPTIONS, "/v1/me")).await;
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, OPTIONS"));
}

#[actix_web::test]
async fn a_body_that_cannot_be_taken_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let caller = app.client(Role::Admin).await;
    const JSON: &str = "application/json";
    for broken in
        ["", "{", "nonsense", "{\"name\": \"a\", \"scopes\": [\"crm:read\"]} trailing", "\u{0}"]
    {
        problem(post_text(&caller, JSON, broken).await, 400, "malformed_request");
    }
    problem(post_text(&caller, JSON, vec![0xff, 0xfe]).await, 400, "malformed_request");
    for kind in ["text/plain", "application/xml", "application/jsonp", ""] {
        let body = json!({"name": "a", "scopes": ["crm:read"]}).to_string();
        problem(post_text(&caller, kind, body).await, 415, "unsupported_media_type");
    }
    let large = format!("{{\"name\": \"{}\"}}", "a".repeat(1 << 20));
    problem(post_text(&caller, JSON, large).await, 413, "payload_too_large");
    // Deep nesting must not cost a stack.
    let deep = format!("{{\"name\": {}", "[".repeat(100_000));
    problem(post_text(&caller, JSON, deep).await, 422, "validation_failed");
    // Values without their names are not a client.
    let unnamed = json!(["Website", ["crm:read"]]).to_string();
    problem(post_text(&caller, JSON, unnamed).await, 422, "validation_failed");
}

#[actix_web::test]
async fn every_bad_field_is_named() {
    let app = TestApp::start().await;
    let caller = app.client(Role::Admin).await;
    let pointers = async |body: Value| {
        let problem = problem(caller.post("/v1/clients", body).await, 422, "validation_failed");
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|error| error["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let scopes = json!(["crm:read"]);
    assert_eq!(pointers(json!({"name": "a", "scopes": scopes, "colour": 1})).await, ["/colour"]);
    assert_eq!(pointers(json!({"scopes": scopes})).await, ["/name"]);
    assert_eq!(pointers(json!({"name": 1, "scopes": scopes})).await, ["/name"]);
    assert_eq!(pointers(json!({"name": "a", "scopes": ["crm:rule"]})).await, ["/scopes/0"]);
    assert_eq!(pointers(json!({"name": "", "scopes": []})).await, ["/name", "/scopes"]);
    assert_eq!(pointers(json!([])).await.len(), 1);
    assert_eq!(pointers(Value::Null).await.len(), 1);
}

#[actix_web::test]
async fn bad_parameters_and_headers_are_named() {
    let app = TestApp::start().await;
    let caller = app.client(Role::Admin).await;
    for query in ["limit=x", "limit=0", "limit=-1", "cursor=x", "colour=1", "limit=1&limit=2"] {
        let reply = caller.get(&format!("/v1/clients?{query}")).await;
        let problem = problem(reply, 400, "malformed_request");
        let name = query.split('=').next().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
    }
    for id in ["1", "x", "%00", "0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f1", "..%2f..%2fetc"] {
        problem(caller.get(&format!("/v1/clients/{id}")).await, 404, "not_found");
    }
}

#[actix_web::test]
async fn a_change_needs_the_version_that_is_there() {
    let app = TestApp::start().await;
    let caller = app.client(Role::Admin).await;
    let new = json!({"name": "Website", "scopes": ["crm:read"]});
    let path = caller.post("/v1/clients", new).await.header("location").to_owned();
    let change = json!({"name": "Portal"});
    let without = Reply::of(caller.request(Method::PATCH, &path).json(&change)).await;
    problem(without, 428, "precondition_required");
    for garbage in ["v1", "\"1\"", "W/\"v1\"", "\"v1\", \"v2\"", "\"v99999999999\"", ""] {
        let reply = caller.patch(&path, garbage, change.clone()).await;
        problem(reply, 400, "malformed_request");
    }
    let stale = problem(caller.patch(&path, "\"v7\"", change.clone()).await, 412, "stale_version");
    assert_eq!(stale["current_version"], 1);
    let changed = caller.patch(&path, "\"v1\"", change.clone()).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"v2\""));
    caller.patch(&path, "*", change).await.expect(200);
    let seen = caller.request(Method::GET, &path).header("if-none-match", "\"v1\", \"v3\"");
    let seen = Reply::of(seen).await;
    assert_eq!((seen.status, seen.header("etag")), (304, "\"v3\""));
    assert_eq!(seen.body, json!(""));
}

#[actix_web::test]
async fn a_request_id_is_echoed_when_it_is_harmless_and_replaced_when_not() {
    let app = TestApp::start().await;
    let long = "a".repeat(129);
    let cases: [(&[u8], bool); 6] = [
        (b"order-4711", true),
        (b"a b", false),
        (b"a\tforged=1", false),
        (b"\xff\xfe", false),
        (b"", false),
        (long.as_bytes(), false),
    ];
    for (given, kept) in cases {
        let request = app.anonymous().request(Method::GET, "/v1/me").header("x-request-id", given);
        let reply = Reply::of(request).await;
        let id = reply.header("x-request-id").to_owned();
        assert_eq!(id.as_bytes() == given, kept, "{given:?}");
        problem(reply, 401, "unauthenticated");
    }
}

#[actix_web::test]
async fn after_the_database_dropped_every_connection_the_next_request_is_served() {
    let app = TestApp::start().await;
    let caller = app.client(Role::Admin).await;
    caller.get("/v1/clients").await.expect(200);
    let mut conn = PgConnection::establish(app.database.url.expose()).unwrap();
    for _ in 0..3 {
        diesel::sql_query(
            "select pg_terminate_backend(pid) from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid()",
        )
        .execute(&mut conn)
        .unwrap();
        caller.get("/v1/clients").await.expect(200);
        let new = json!({"name": uuid::Uuid::now_v7(), "scopes": ["crm:read"]});
        caller.post("/v1/clients", new).await.expect(201);
    }
}

#[actix_web::test]
async fn while_the_database_is_away_the_answer_is_503_and_afterwards_all_is_well() {
    let app = TestApp::start_with(|config| config.database_pool = 1).await;
    let caller = app.client(Role::Admin).await;
    caller.get("/v1/clients").await.expect(200);
    app.database.refuse_connections(true);
    let away = caller.get("/v1/clients").await;
    assert_eq!(away.header("retry-after"), "1");
    let told = problem(away, 503, "unavailable");
    assert!(!told.to_string().contains("postgres"), "{told}");
    problem(app.anonymous().get("/health/ready").await, 503, "unavailable");
    app.anonymous().get("/health/live").await.expect(200);
    app.database.refuse_connections(false);
    caller.get("/v1/clients").await.expect(200);
    app.anonymous().get("/health/ready").await.expect(200);
}
