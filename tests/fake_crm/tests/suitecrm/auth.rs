use std::time::Duration;

use chrono::TimeDelta;
use fake_crm::Settings;

use crate::support::{Crm, send};

#[tokio::test]
async fn a_token_is_given_for_a_form_too() {
    let crm = Crm::start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", crm.fake.client_id()),
        ("client_secret", crm.fake.client_secret()),
    ];
    let reply = send(crm.http.post(crm.url("/Api/access_token")).form(&form)).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["token_type"], "Bearer");
    assert_eq!(reply.body["expires_in"], 3600);
    assert!(reply.body.get("refresh_token").is_none());
}

#[tokio::test]
async fn a_wrong_secret_is_an_invalid_client() {
    let crm = Crm::start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", crm.fake.client_id()),
        ("client_secret", "wrong"),
    ];
    let reply = send(crm.http.post(crm.url("/Api/access_token")).form(&form)).await.unwrap();
    assert_eq!(reply.status, 401);
    assert_eq!(reply.body["error"], "invalid_client");
}

#[tokio::test]
async fn a_revoked_token_is_denied_and_a_new_one_works() {
    let mut crm = Crm::start().await;
    assert_eq!(crm.get("/module/Cases").await.status, 200);
    crm.fake.revoke_tokens();
    let reply = crm.get("/module/Cases").await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.body["error"], "access_denied");
    crm.log_in().await;
    assert_eq!(crm.get("/module/Cases").await.status, 200);
}

#[tokio::test]
async fn a_token_expires() {
    let settings = Settings { token_lifetime: Duration::from_secs(60), ..Settings::default() };
    let crm = Crm::start_with(settings).await;
    assert_eq!(crm.get("/module/Cases").await.status, 200);
    crm.fake.set_clock_offset(TimeDelta::seconds(61));
    assert_eq!(crm.get("/module/Cases").await.status, 401);
}

#[tokio::test]
async fn a_call_without_a_token_is_denied() {
    let crm = Crm::start().await;
    let reply = send(crm.http.get(crm.url("/Api/V8/module/Cases"))).await.unwrap();
    assert_eq!(reply.status, 401);
    assert_eq!(reply.body["error"], "access_denied");
}

#[tokio::test]
async fn an_unknown_route_is_404_and_a_wrong_method_405_even_without_a_token() {
    let crm = Crm::start().await;
    let unknown = send(crm.http.get(crm.url("/Api/V8/nothing"))).await.unwrap();
    assert_eq!(unknown.status, 404);
    let wrong = send(crm.http.put(crm.url("/Api/V8/module"))).await.unwrap();
    assert_eq!(wrong.status, 405);
}
