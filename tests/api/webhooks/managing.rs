//! Webhooks are made, changed, switched off and deleted by those who may.
use casebridge::kernel::{Permission, Role};
use serde_json::{Value, json};

use super::{desk, hook};
use crate::support::receiver::Receiver;
use crate::support::{TestApp, pointers};

#[actix_web::test]
async fn the_secret_is_told_once_and_stored_sealed() {
    let app = desk().await;
    let receiver = Receiver::start().await;
    let made = app.webhook(&receiver, json!({})).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let shown = app.webhook_now(&made).await;
    assert_eq!(shown["secret"], Value::Null);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let stored = "select encode(sealed_secret, 'hex') as text from webhooks";
    assert!(!app.text(stored).await.unwrap().contains(&hex));
    let told = "select string_agg(changes::text || data::text, ' ') as text from events where subject like 'webhook/%'";
    let told = app.text(told).await.unwrap();
    assert!(told.contains(&format!("127.0.0.1:{}", receiver.port)), "{told}");
    assert!(!told.contains("whsec_") && !told.contains("/hooks"), "{told}");
}

#[actix_web::test]
async fn a_webhook_without_a_type_that_exists_or_a_url_that_can_be_used_is_refused() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let post = async |more: Value| {
        let mut new = json!({"name": "Receiver", "url": "https://hooks.example/desk"});
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.post("/v1/webhooks", new).await
    };
    for types in [json!(["ticket.exploded"]), json!(["ticket.*", "*"]), json!([""])] {
        assert_eq!(pointers(post(json!({ "types": types })).await), ["/types"]);
    }
    for url in [
        "http://hooks.example/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://user:word@hooks.example/",
        "hooks.example",
        "",
    ] {
        assert_eq!(pointers(post(json!({ "url": url })).await), ["/url"], "{url}");
    }
    let made = post(json!({"types": ["ticket.*", "survey.answered"]})).await.expect(201);
    let change = json!({"url": "https://10.0.0.1/"});
    assert_eq!(pointers(admin.patch(&hook(&made, ""), "*", change).await), ["/url"]);
}

#[actix_web::test]
async fn an_agent_who_does_not_see_every_ticket_has_no_webhooks_whatever_they_were_granted() {
    let app = desk().await;
    let made = app.webhook(&Receiver::start().await, json!({})).await;
    let grant = "update agents set permissions = '{webhooks:read,webhooks:write}' where name = 'L2 agent A'";
    assert_eq!(app.sql(grant).await.unwrap(), 1);
    let agent = app.agent("L2 agent A").await;
    agent.get("/v1/webhooks").await.problem(422, "beyond_own_permissions");
    agent.get(&hook(&made, "/deliveries")).await.problem(422, "beyond_own_permissions");
    agent.delete(&hook(&made, ""), "*").await.problem(422, "beyond_own_permissions");
    let new = json!({"name": "Mine", "url": "https://hooks.example/"});
    agent.post("/v1/webhooks", new).await.problem(422, "beyond_own_permissions");
}

#[actix_web::test]
async fn a_program_makes_webhooks_only_if_it_may_read_events() {
    let app = TestApp::start().await;
    let both = [Permission::WebhooksWrite, Permission::EventsRead];
    let id = app.integration(&both).await;
    let new = json!({"name": "Mine", "url": "https://hooks.example/"});
    let half = app.client_with(id, [Permission::WebhooksWrite].into_iter()).await;
    let refused = half.post("/v1/webhooks", new.clone()).await.problem(403, "forbidden");
    assert_eq!(refused["required_permission"], "events:read");
    app.client_with(id, both.into_iter()).await.post("/v1/webhooks", new).await.expect(201);
}

#[actix_web::test]
async fn a_change_is_made_on_the_version_that_was_seen_and_a_deleted_webhook_is_gone() {
    let app = desk().await;
    let admin = app.client(Role::Admin).await;
    let made = app.webhook(&Receiver::start().await, json!({})).await;
    let path = hook(&made, "");
    let change = json!({"name": "Warehouse", "types": ["ticket.opened"]});
    let changed = admin.patch(&path, "\"v1\"", change.clone()).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Warehouse"), &json!(2)));
    admin.patch(&path, "\"v1\"", json!({"name": "Other"})).await.problem(412, "stale_version");
    // The same once more is no change.
    assert_eq!(admin.patch(&path, "*", change).await.expect(200)["version"], 2);
    admin.delete(&path, "\"v1\"").await.problem(412, "stale_version");
    admin.delete(&path, "\"v2\"").await.expect(204);
    admin.get(&path).await.problem(404, "not_found");
    let page = admin.get("/v1/webhooks").await.expect(200);
    assert_eq!(page["items"], json!([]));
}

#[actix_web::test]
async fn there_are_no_more_webhooks_than_can_be_served() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({"name": "Receiver", "url": "https://hooks.example/desk"});
    let first = admin.post("/v1/webhooks", new.clone()).await.expect(201);
    let columns = "name, url, types, account_ids, department_ids, active, sealed_secret, position, created_by,
        created_by_name, created_at, updated_at";
    let copies = format!(
        "insert into webhooks (id, {columns}) select gen_random_uuid(), {columns} from webhooks, generate_series(1, 99)"
    );
    assert_eq!(app.sql(copies).await.unwrap(), 99);
    admin.post("/v1/webhooks", new.clone()).await.problem(409, "too_many_webhooks");
    admin.delete(&hook(&first, ""), "*").await.expect(204);
    admin.post("/v1/webhooks", new).await.expect(201);
}
