//! How much one caller may have, and how often a secret may be tried.
use casebridge::kernel::Role;
use serde_json::json;

use super::token_of;
use crate::support::{Reply, TestApp};

/// The fields of `"caller";r=2;t=1`, as far as they are numbers.
fn field(header: &str, name: &str) -> u64 {
    let mut fields = header.split(';').filter_map(|field| field.split_once('='));
    fields.find(|(key, _)| *key == name).unwrap().1.parse().unwrap()
}

#[actix_web::test]
async fn a_caller_is_told_how_many_requests_are_left_and_waits_when_none_is() {
    let app = TestApp::start_with(|config| config.requests_per_minute = 3).await;
    let admin = app.client(Role::Admin).await;
    for left in [2, 1, 0] {
        let reply = admin.get("/v1/me").await;
        assert_eq!(reply.header("ratelimit-policy"), "\"caller\";q=3;w=60");
        assert_eq!(field(reply.header("ratelimit"), "r"), left);
        assert!((1..=60).contains(&field(reply.header("ratelimit"), "t")));
        reply.expect(200);
    }
    let reply = admin.get("/v1/me").await;
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    assert_eq!(field(reply.header("ratelimit"), "r"), 0);
    reply.problem(429, "too_many_requests");
    // Others have their own, and who is nobody has none to spend.
    app.client(Role::Agent).await.get("/v1/me").await.expect(200);
    app.anonymous().get("/v1/me").await.problem(401, "unauthenticated");
    app.anonymous().get("/health/ready").await.expect(200);
}

#[actix_web::test]
async fn a_secret_is_not_tried_more_than_twenty_times_a_minute_from_one_address() {
    let app = TestApp::start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let admin = app.client(Role::Admin).await;
    let new = json!({"name": "Website", "scopes": ["tickets:read"]});
    let client = admin.post("/v1/clients", new).await.expect(201);
    let (id, secret) = (client["id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let attempt = |secret: &str, from: &str| {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", id.to_owned()),
            ("client_secret", secret.to_owned()),
        ];
        let request = app.anonymous().request(reqwest::Method::POST, "/oauth/token").form(&form);
        Reply::of(request.header("x-forwarded-for", from.to_owned()))
    };
    // One comes back every three seconds, and an attempt takes its time.
    let mut tries = 0;
    loop {
        let reply = attempt("cbs_wrong", "203.0.113.7").await;
        assert_eq!(reply.header("ratelimit-policy"), "\"client\";q=20;w=60");
        if reply.status == 429 {
            break;
        }
        reply.problem(401, "invalid_client");
        tries += 1;
        assert!(tries < 40);
    }
    assert!(tries >= 20, "{tries}");
    // The right secret does not help who guessed it this way; whose it is comes from elsewhere.
    attempt(secret, "203.0.113.7").await.problem(429, "too_many_requests");
    attempt(secret, "198.51.100.1, 203.0.113.7").await.problem(429, "too_many_requests");
    attempt(secret, "203.0.113.8").await.expect(200);
    // Another client from the same address has tries of its own, until the address has none.
    let other = [("grant_type", "client_credentials"), ("client_secret", "cbs_wrong")];
    let unknown = uuid::Uuid::now_v7().to_string();
    let form: Vec<_> = other.iter().copied().chain([("client_id", unknown.as_str())]).collect();
    token_of(&app, &form).await.problem(401, "invalid_client");
}
