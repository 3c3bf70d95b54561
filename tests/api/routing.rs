//! The routing table, explained.
use casebridge::kernel::{ComponentId, Role};
use casebridge::routing;
use serde_json::{Value, json};

use crate::support::TestApp;

const L1: &[&str] = &[
    "Application",
    "Opportunity",
    "Resources",
    "Support Portal",
    "Synchronization",
    "User Management",
];
const L2: &[&str] = &[
    "Account Management",
    "Contact Management",
    "Dashboard | Action Center",
    "Data",
    "DB",
    "Events",
    "Marketing",
    "Performance",
    "Queues",
    "Report Writer",
    "Service Center",
    "Task",
    "Upgrade",
];
const ACCOUNT_MANAGER: &[&str] =
    &["Server Migration & Split", "Managed Upgrade", "Due Diligence Documentation"];
const BUSINESS_UNIT: &[&str] = &["Reporting"];

#[actix_web::test]
async fn every_component_goes_to_its_level_department_and_process() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let table = [
        (L1, "L1", "Support", None),
        (L2, "L2", "Support", None),
        (ACCOUNT_MANAGER, "external", "Account Management", Some(("account_manager", 5))),
        (BUSINESS_UNIT, "external", "Business Unit", Some(("business_unit", 1))),
    ];
    for (names, level, department, process) in table {
        for name in names {
            let question = json!({"component": name});
            let answer = agent.post("/v1/routing/resolve", question).await.expect(200);
            assert_eq!(answer["level"], level, "{name}");
            assert_eq!(answer["department"]["name"], department, "{name}");
            assert_eq!(answer["workflow"]["key"], "consultancy");
            assert_eq!(answer["component"]["name"], *name);
            let reason = answer["reason"].as_str().unwrap();
            assert!(reason.contains(name) && reason.contains(department), "{reason}");
            match process {
                Some((key, steps)) => {
                    assert_eq!(answer["process"]["key"], key);
                    assert_eq!(answer["process"]["steps"].as_array().unwrap().len(), steps);
                    assert_eq!(answer["team"], department);
                }
                None => {
                    assert_eq!((&answer["process"], &answer["team"]), (&Value::Null, &Value::Null))
                }
            }
        }
    }
    let count: usize = table.iter().map(|(names, ..)| names.len()).sum();
    assert_eq!(count, 23);
}

#[actix_web::test]
async fn without_a_component_the_default_department_takes_it_at_level_1() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let answer = agent.post("/v1/routing/resolve", json!({})).await.expect(200);
    assert_eq!(answer["level"], "L1");
    assert_eq!(answer["department"]["name"], "Support");
    assert_eq!(answer["component"], Value::Null);
    let route = app.service.db.read(|conn| routing::resolve(conn, None, "question")).await.unwrap();
    assert_eq!(route.department_id.to_string(), answer["department"]["id"].as_str().unwrap());
}

#[actix_web::test]
async fn the_id_and_the_name_of_a_component_get_the_same_answer() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let by_name = json!({"component": "managed upgrade"});
    let by_name = agent.post("/v1/routing/resolve", by_name).await.expect(200);
    let by_id = json!({"component_id": by_name["component"]["id"]});
    assert_eq!(agent.post("/v1/routing/resolve", by_id).await.expect(200), by_name);
    let id: ComponentId = serde_json::from_value(by_name["component"]["id"].clone()).unwrap();
    let route = app
        .service
        .db
        .read(move |conn| routing::resolve(conn, Some(id), "question"))
        .await
        .unwrap();
    assert_eq!(route.process.map(|process| process.key).as_deref(), Some("account_manager"));
    assert_eq!(route.team.as_deref(), Some("Account Management"));
}

#[actix_web::test]
async fn an_unknown_component_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let agent = app.client(Role::Agent).await;
    let nobody = uuid::Uuid::nil();
    let questions = [
        (json!({"component": "Teleport"}), "/component"),
        (json!({"component": "Data", "product_id": nobody}), "/component"),
        (json!({"component_id": nobody}), "/component_id"),
        (json!({"component_id": nobody, "component": "Data"}), "/component"),
    ];
    for (question, pointer) in questions {
        let refused = agent.post("/v1/routing/resolve", question).await;
        let problem = refused.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    app.anonymous().post("/v1/routing/resolve", json!({})).await.problem(401, "unauthenticated");
}
