//! An organization is tried out before it goes live, and settings are checked against it when they are saved.
use casebridge::kernel::Role;
use fake_crm::salesforce::{FakeSalesforce, Settings};
use serde_json::{Value, json};

use crate::support::mirror::text;
use crate::support::{TestApp, pointers};

fn stock(crm: &FakeSalesforce) -> Value {
    json!({
        "name": "Salesforce", "kind": "salesforce", "base_url": crm.url(),
        "client_id": crm.client_id(), "client_secret": crm.client_secret(),
    })
}

#[actix_web::test]
async fn a_probe_finds_a_salesforce_with_stock_settings_good_and_leaves_nothing_behind() {
    let crm = FakeSalesforce::start().await.unwrap();
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let made = admin.post("/v1/crm/connections", stock(&crm)).await.expect(201);
    let path = format!("/v1/crm/connections/{}", text(&made["id"]));
    let report = admin.post(&format!("{path}/probe"), json!({})).await.expect(200);
    assert_eq!(report["passed"], true, "{report:#}");
    for object in ["Case", "CaseComment"] {
        let left = crm.records(object);
        assert!(!left.is_empty() && left.iter().all(|record| record.deleted), "{left:?}");
    }
    let expected = json!({
        "stamp_seconds": 1, "subject_limit": null, "description_limit": null, "lossy_text": [],
        "idempotent_create": true, "lost_updates": false, "version_lock": null, "deletion_told": true,
    });
    assert_eq!(report["findings"], expected, "{report:#}");
    assert_eq!(admin.get(&path).await.expect(200)["findings"], expected);
}

#[actix_web::test]
async fn settings_that_salesforce_has_no_field_for_are_named_when_they_are_saved() {
    let crm = FakeSalesforce::start().await.unwrap();
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let made = admin.post("/v1/crm/connections", stock(&crm)).await.expect(201);
    let path = format!("/v1/crm/connections/{}", text(&made["id"]));
    let change = json!({"settings": {"fields": {"product": "Produkt__c"}, "key_field": "Key__c"}});
    let refused = admin.patch(&path, "*", change.clone()).await;
    assert_eq!(pointers(refused), ["/settings/fields/product", "/settings/key_field"]);
    admin.patch(&format!("{path}?check=false"), "*", change).await.expect(200);
    assert_eq!(crm.records("Case").len(), 0, "a check writes nothing");
}

#[actix_web::test]
async fn an_organization_without_the_field_for_the_key_is_not_connected() {
    let crm = FakeSalesforce::start_with(Settings::stock()).await.unwrap();
    let app = TestApp::start().await;
    let refused = app.client(Role::Admin).await.post("/v1/crm/connections", stock(&crm)).await;
    assert_eq!(pointers(refused), ["/settings/key_field"]);
}
