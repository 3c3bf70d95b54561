//! A CRM is tried out before it goes live, and settings are checked against it when they are saved.
use casebridge::crm::adapters::Access;
use casebridge::crm::adapters::suitecrm::{self, SuiteCrm};
use casebridge::crm::probe::{Report, probe};
use casebridge::crm::settings::Settings;
use casebridge::crm::vocabulary::Vocabulary;
use casebridge::kernel::{Role, Secret};
use fake_crm::FakeCrm;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::mirror::Mirrored;

async fn tried(crm: &FakeCrm, secret: &str, settings: Settings) -> Report {
    let words = Vocabulary::new(&settings, &suitecrm::KIND.defaults);
    let access = Access::stock(&suitecrm::KIND, &crm.url(), crm.client_id(), Secret::new(secret));
    let access = Access { fields: words.field_names(), ..access };
    probe(&SuiteCrm::new(access).unwrap(), words, suitecrm::KIND.capabilities).await
}

#[actix_web::test]
async fn a_probe_finds_a_good_crm_good_leaves_nothing_behind_and_learns_its_limits() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let report = desk.admin.post(&format!("{path}/probe"), json!({})).await.expect(200);
    assert_eq!(report["passed"], true, "{report:#}");
    for module in ["Cases", "Notes"] {
        assert!(desk.crm.records(module).iter().all(|record| record.deleted));
    }
    let expected = json!({
        "stamp_seconds": 60, "subject_limit": 255, "description_limit": 65_535, "lossy_text": [],
        "idempotent_create": true, "lost_updates": true, "version_lock": null, "deletion_told": true,
    });
    assert_eq!(report["findings"], expected);
    assert_eq!(desk.admin.get(&path).await.expect(200)["findings"], expected);
}

#[actix_web::test]
async fn a_subject_that_a_probe_found_too_long_for_the_crm_is_whole_in_the_description() {
    let desk = Mirrored::start().await;
    let found = r#"update crm_connections set findings = '{"subject_limit": 12}'"#;
    desk.app.sql(found).await.unwrap();
    let (long, short) = (desk.open("More than twelve").await, desk.open("Not so many").await);
    desk.converge().await;
    let case = desk.case(&long).await;
    assert!(case.value("description").contains("\nSubject: More than twelve\nURL: "));
    assert!(!desk.case(&short).await.value("description").contains("Subject:"));
}

#[actix_web::test]
async fn a_probe_names_what_is_wrong_and_what_to_do() {
    let stock = fake_crm::Settings { utf8mb3: true, ..fake_crm::Settings::stock() };
    let crm = FakeCrm::start_with(stock).await.unwrap();
    let settings = |fields: Value| serde_json::from_value(json!({ "fields": fields })).unwrap();
    let refused = tried(&crm, "wrong", Settings::default()).await;
    assert!(!refused.passed());
    assert!(refused.checks[0].to_string().contains("Client authentication failed"), "{refused}");

    let report = tried(&crm, crm.client_secret(), settings(json!({"product": "product_c"}))).await;
    assert!(!report.passed());
    assert!(report.to_string().contains("there is no product_c"), "{report}");
    assert!(report.to_string().contains("settings/fields/product"), "{report}");

    let report = tried(&crm, crm.client_secret(), Settings::default()).await;
    assert!(report.passed(), "{report}");
    assert_eq!(report.findings.lossy_text, ["emoji"]);
    assert!(report.to_string().contains("utf8mb4"), "{report}");
    assert!(report.to_string().contains("mirror the product: no attribute is configured"));
}

#[actix_web::test]
async fn settings_that_the_crm_has_no_attribute_for_are_named_when_they_are_saved() {
    let desk = Mirrored::start().await;
    let path = format!("/v1/crm/connections/{}", desk.connection);
    let change = json!({"settings": {"fields": {"product": "produkt_c"}, "state_field": "stage"}});
    let refused = desk.admin.patch(&path, "*", change.clone()).await;
    let problem = refused.problem(422, "validation_failed");
    let pointers: Vec<&Value> =
        problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/settings/fields/product", "/settings/state_field"]);
    desk.admin.patch(&format!("{path}?check=false"), "*", change).await.expect(200);
    assert_eq!(desk.crm.records("Cases").len(), 0, "a check writes nothing");
}

#[actix_web::test]
async fn a_crm_that_is_down_can_be_connected_without_asking_it() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({
        "name": "Down", "base_url": "http://127.0.0.1:9", "client_id": "x", "client_secret": "y",
    });
    admin.post("/v1/crm/connections", new.clone()).await.problem(422, "crm_unreachable");
    let made = admin.post("/v1/crm/connections?check=false", new).await.expect(201);
    let path = format!("/v1/crm/connections/{}", made["id"].as_str().unwrap());
    admin.patch(&path, "*", json!({"name": "Still down"})).await.expect(200);
    let report = admin.post(&format!("{path}/probe"), json!({})).await.expect(200);
    assert_eq!(
        (&report["passed"], &report["checks"][0]["outcome"]),
        (&json!(false), &json!("failed"))
    );
}

#[actix_web::test]
async fn the_kinds_of_crm_are_listed_with_what_they_can_do_and_their_defaults() {
    let app = TestApp::start().await;
    let kinds = app.client(Role::Admin).await.get("/v1/crm/kinds").await.expect(200);
    let suite =
        kinds["items"].as_array().unwrap().iter().find(|k| k["kind"] == "suitecrm").unwrap();
    assert_eq!(suite["capabilities"]["version_lock"], false);
    assert_eq!(suite["defaults"]["fields"]["subject"], "name");
    assert_eq!(suite["defaults"]["owners"]["status"], "both");
    assert_eq!(suite["defaults"]["owners"]["subject"], "desk");
}
