//! An EspoCRM is tried out before it goes live, and settings are checked against it when they are saved.
use casebridge::kernel::Role;
use fake_crm::espo::{FakeEspo, Settings};
use serde_json::{Value, json};

use super::desk::EspoDesk;
use crate::support::mirror::text;
use crate::support::{TestApp, pointers};

#[actix_web::test]
async fn a_probe_finds_an_espocrm_with_stock_settings_good_and_leaves_nothing_behind() {
    let crm = FakeEspo::start().await.unwrap();
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({
        "name": "EspoCRM", "kind": "espocrm", "base_url": crm.url(), "client_secret": crm.api_key(),
    });
    let made = admin.post("/v1/crm/connections", new).await.expect(201);
    let path = format!("/v1/crm/connections/{}", text(&made["id"]));
    let report = admin.post(&format!("{path}/probe"), json!({})).await.expect(200);
    assert_eq!(report["passed"], true, "{report:#}");
    let cases = crm.records("Case");
    assert_eq!(cases.len(), 1, "{cases:?}");
    assert!(cases[0].deleted);
    assert!(crm.records("Note").iter().all(|note| note.deleted || note.text("type") != "Post"));
    let expected = json!({
        "stamp_seconds": 1, "subject_limit": 255, "description_limit": null, "lossy_text": [],
        "idempotent_create": true, "lost_updates": false, "version_lock": true, "deletion_told": true,
    });
    assert_eq!(report["findings"], expected, "{report:#}");
    assert_eq!(admin.get(&path).await.expect(200)["findings"], expected);
}

#[actix_web::test]
async fn settings_that_espocrm_has_no_attribute_for_are_named_when_they_are_saved() {
    let desk = EspoDesk::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let fields = json!({"product": "cProdukt", "assignee": "assignedUser", "account": "accountId"});
    let change = json!({"settings": {"fields": fields, "key_field": "cKey"}});
    let refused = desk.admin.patch(&path, "*", change.clone()).await;
    let places = ["/settings/fields/assignee", "/settings/fields/product", "/settings/key_field"];
    assert_eq!(pointers(refused), places);
    desk.admin.patch(&format!("{path}?check=false"), "*", change).await.expect(200);
    assert_eq!(desk.crm.records("Case").len(), 0, "a check writes nothing");
}

#[actix_web::test]
async fn an_espocrm_without_the_field_for_the_key_is_not_connected() {
    let crm = FakeEspo::start_with(Settings::stock()).await.unwrap();
    let app = TestApp::start().await;
    let new: Value = json!({
        "name": "EspoCRM", "kind": "espocrm", "base_url": crm.url(), "client_secret": crm.api_key(),
    });
    let refused = app.client(Role::Admin).await.post("/v1/crm/connections", new).await;
    assert_eq!(pointers(refused), ["/settings/key_field"]);
}
