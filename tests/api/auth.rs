//! Tokens, clients, keys.
mod forgery;
mod limits;

use casebridge::kernel::{Permission, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

async fn token_of(app: &TestApp, form: &[(&str, &str)]) -> Reply {
    Reply::of(app.anonymous().request(Method::POST, "/oauth/token").form(form)).await
}

#[actix_web::test]
async fn a_call_without_a_token_is_told_to_authenticate() {
    let app = TestApp::start().await;
    let reply = app.anonymous().get("/v1/me").await;
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
    reply.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_client_gets_a_token_for_its_secret_and_acts_within_its_scopes() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({"name": "Website", "scopes": ["tickets:read", "events:read"]});
    let client = admin.post("/v1/clients", new).await.expect(201);
    let (id, secret) = (client["id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let grant = ("grant_type", "client_credentials");

    let form = [grant, ("client_id", id), ("client_secret", secret), ("scope", "events:read")];
    let token = token_of(&app, &form).await.expect(200);
    assert_eq!(token["scope"], "events:read");
    let caller = Client::new(&app.url, Some(token["access_token"].as_str().unwrap().into()));
    assert_eq!(caller.get("/v1/me").await.expect(200)["permissions"], json!(["events:read"]));
    caller.get("/v1/events").await.expect(200);
    let refused = caller.get("/v1/clients").await.problem(403, "forbidden");
    assert_eq!(refused["required_permission"], "clients:write");

    let wrong = [grant, ("client_id", id), ("client_secret", "cbs_wrong")];
    let denied = token_of(&app, &wrong).await;
    assert!(denied.header("www-authenticate").starts_with("Basic"), "{:?}", denied.headers);
    assert_eq!(denied.problem(401, "invalid_client")["error"], "invalid_client");
    let too_much = [grant, ("client_id", id), ("client_secret", secret), ("scope", "people:write")];
    token_of(&app, &too_much).await.problem(400, "invalid_scope");
}

#[actix_web::test]
async fn after_a_key_rotation_old_and_new_tokens_are_both_valid() {
    let app = TestApp::start().await;
    let before = app.client(Role::Admin).await;
    before.post("/v1/signing-keys", json!({})).await.expect(201);
    let after = app.client(Role::Admin).await;
    before.get("/v1/me").await.expect(200);
    after.get("/v1/me").await.expect(200);
    let keys = app.anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
}

#[actix_web::test]
async fn nobody_gets_more_through_a_client_than_they_have() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let strong = json!({"name": "Strong", "scopes": ["clients:write", "crm:write"]});
    let strong = admin.post("/v1/clients", strong).await.expect(201);
    let own = [Permission::ClientsWrite, Permission::TicketsRead];
    let caller = app.client_for(app.integration(&own).await).await;
    let new = |scope: &str| json!({"name": scope, "scopes": ["tickets:read", scope]});
    let beyond = "beyond_own_permissions";
    caller.post("/v1/clients", new("crm:write")).await.problem(422, beyond);
    let weak = caller.post("/v1/clients", new("clients:write")).await.expect(201);
    let at = |client: &Value| format!("/v1/clients/{}", client["id"].as_str().unwrap());
    let scopes = json!({"scopes": ["crm:write"]});
    caller.patch(&at(&weak), "*", scopes).await.problem(422, beyond);
    caller.post(&format!("{}/secret", at(&strong)), json!({})).await.problem(422, beyond);
    caller.post(&format!("{}/secret", at(&weak)), json!({})).await.expect(200);
    // Switching one off gives nothing away.
    caller.patch(&at(&strong), "*", json!({"active": false})).await.expect(200);
}
