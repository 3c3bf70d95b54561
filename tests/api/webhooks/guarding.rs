//! Nothing is sent inside of one's own network unless the operator names it.
use casebridge::kernel::Role;
use serde_json::{Value, json};

use super::{desk, hook, inside};
use crate::support::TestApp;
use crate::support::receiver::Receiver;

/// What became of a test of a webhook to this URL, which is stored as it is.
async fn tested(app: &TestApp, url: &str) -> Value {
    let admin = app.client(Role::Admin).await;
    let new =
        json!({"name": "Inside", "url": "https://hooks.example/", "types": ["survey.answered"]});
    let webhook = admin.post("/v1/webhooks", new).await.expect(201);
    let id = webhook["id"].as_str().unwrap();
    app.sql(format!("update webhooks set url = '{url}' where id = '{id}'")).await.unwrap();
    admin.post(&hook(&webhook, "/ping"), json!({})).await.expect(201);
    app.deliver().await;
    app.deliveries(&webhook).await[0].clone()
}

#[actix_web::test]
async fn a_name_that_leads_to_this_machine_is_refused_when_it_is_resolved() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    let test = tested(&app, &format!("https://localhost:{}/", receiver.port)).await;
    assert_eq!(
        test["log"][0]["error"],
        "localhost is not a public address, nor in webhook_networks"
    );
    assert_eq!((&test["state"], receiver.count()), (&json!("dead"), 0));
}

#[actix_web::test]
async fn an_address_that_is_not_permitted_any_more_is_refused_when_it_is_sent_to() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"] {
        let test = tested(&app, &format!("https://{host}:{}/", receiver.port)).await;
        let error = test["log"][0]["error"].as_str().unwrap();
        assert!(error.ends_with("is not a public address, nor in webhook_networks"), "{error}");
    }
    let test = tested(&app, &format!("http://127.0.0.1:{}/", receiver.port)).await;
    assert_eq!(test["log"][0]["error"], "must begin with https://");
    assert_eq!(receiver.count(), 0);
}

#[actix_web::test]
async fn a_name_inside_is_sent_to_where_its_network_is_named() {
    let app = TestApp::start_with(|config| {
        inside(config);
        config.webhook_networks.push("::1/128".parse().unwrap());
    });
    let app = app.await;
    let receiver = Receiver::start().await;
    let test = tested(&app, &format!("http://localhost:{}/", receiver.port)).await;
    assert_eq!((&test["state"], receiver.count()), (&json!("delivered"), 1), "{test}");
    // Nothing leaves the network without encryption.
    let test = tested(&desk().await, "http://8.8.8.8/").await;
    let error = test["log"][0]["error"].as_str().unwrap();
    assert_eq!(error, "8.8.8.8 is not a public address, nor in webhook_networks");
}
