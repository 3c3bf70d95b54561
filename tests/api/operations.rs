//! What operators and front ends rely on: figures and CORS.
use casebridge::kernel::Role;
use reqwest::Method;

use crate::support::{Reply, TestApp};

#[actix_web::test]
async fn the_figures_count_requests_by_route_and_show_the_pool_and_the_version() {
    let app = TestApp::start().await;
    let caller = app.client(Role::Admin).await;
    let id = uuid::Uuid::now_v7();
    caller.get(&format!("/v1/clients/{id}")).await.problem(404, "not_found");
    caller.get(&format!("/nothing/{id}")).await.problem(404, "not_found");
    let reply = app.anonymous().get("/metrics").await;
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4");
    let figures = reply.expect(200).as_str().unwrap().to_owned();
    let has =
        |wanted: &[&str]| figures.lines().any(|line| wanted.iter().all(|part| line.contains(part)));
    assert!(has(&[
        "http_request_duration_seconds_count",
        "route=\"/v1/clients/{id}\"",
        "status=\"404\"",
        "method=\"GET\""
    ]));
    assert!(has(&["http_request_duration_seconds_bucket", "route=\"unmatched\""]));
    assert!(has(&["db_connections "]) && has(&["db_connections_idle "]), "{figures}");
    assert!(has(&["build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"]));
    assert!(has(&["# TYPE http_request_duration_seconds histogram"]));
    // A label that holds an id would make a new series for each request.
    assert!(!figures.contains(&id.to_string()));
}

#[actix_web::test]
async fn a_page_of_an_allowed_origin_may_call_and_read_the_headers() {
    const PORTAL: &str = "https://portal.example";
    let app = TestApp::start_with(|config| config.allowed_origins = vec![PORTAL.into()]).await;
    let preflight = |origin: &'static str| {
        let request = app.anonymous().request(Method::OPTIONS, "/v1/clients");
        let request =
            request.header("origin", origin).header("access-control-request-method", "POST");
        Reply::of(
            request
                .header("access-control-request-headers", "authorization,idempotency-key,if-match"),
        )
    };
    let allowed = preflight(PORTAL).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), PORTAL);
    assert!(
        allowed.header("access-control-allow-headers").to_lowercase().contains("idempotency-key")
    );
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), "");

    // Also a refusal must be readable, or the page cannot tell why.
    let refused = app.anonymous().request(Method::GET, "/v1/me").header("origin", PORTAL);
    let refused = Reply::of(refused).await;
    assert_eq!(refused.header("access-control-allow-origin"), PORTAL);
    let exposed = refused.header("access-control-expose-headers").to_lowercase();
    for header in ["etag", "link", "location", "x-request-id", "idempotency-replayed"] {
        assert!(exposed.contains(header), "{header} is not in {exposed}");
    }
    assert_eq!(refused.header("access-control-allow-credentials"), "");
    refused.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn without_allowed_origins_no_page_may_call() {
    let app = TestApp::start().await;
    let call = app
        .anonymous()
        .request(Method::GET, "/health/live")
        .header("origin", "https://portal.example");
    let reply = Reply::of(call).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, ""));
}
