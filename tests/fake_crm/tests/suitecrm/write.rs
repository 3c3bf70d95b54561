use std::time::Duration;

use fake_crm::Settings;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{CASE, Crm, Reply, send};

#[tokio::test]
async fn creating_and_changing_answer_201_with_the_type_in_the_singular() {
    let crm = Crm::start().await;
    let created = crm.case(json!({ "name": "Printer" })).await;
    assert_eq!(created.body["data"]["type"], "Case");
    assert_eq!(created.body["data"]["id"], CASE);
    let changed = crm.patch("Cases", CASE, json!({ "status": "Open_New" })).await;
    assert_eq!(changed.status, 201);
    assert_eq!(changed.body["data"]["type"], "Case");
}

#[tokio::test]
async fn an_id_is_made_up_when_none_is_given() {
    let crm = Crm::start().await;
    let reply = crm.create("Notes", None, json!({ "name": "Call" })).await;
    assert_eq!(reply.body["data"]["type"], "Note");
    assert_eq!(reply.body["data"]["id"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn of_eight_creations_with_one_id_one_succeeds() {
    let crm = Crm::start().await;
    let body = json!({ "data": { "type": "Cases", "id": CASE, "attributes": { "name": "Once" } } });
    let calls: Vec<_> = (0..8)
        .map(|_| tokio::spawn(send(crm.request(Method::POST, "/module").body(body.to_string()))))
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        if reply.status == 400 {
            assert_eq!(reply.detail(), format!("Bean Cases with id {CASE} is already exist"));
        }
        statuses.push(reply.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400, 400, 400, 400, 400, 400, 400]);
    assert_eq!(crm.fake.records("Cases").len(), 1);
}

#[tokio::test]
async fn the_id_of_a_deleted_case_is_burnt() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "Gone" })).await;
    let deleted = crm.delete(&format!("/module/Cases/{CASE}")).await;
    assert_eq!(deleted.status, 200);
    let read = crm.read_case().await;
    assert_eq!(read.status, 400);
    assert_eq!(read.detail(), format!("Cases module with id {CASE} is not found"));
    let again = crm.create("Cases", Some(CASE), json!({ "name": "Back" })).await;
    assert_eq!(again.detail(), format!("Bean Cases with id {CASE} is already exist"));
    assert_eq!(crm.patch("Cases", CASE, json!({ "name": "Back" })).await.status, 400);
}

#[tokio::test]
async fn errors_is_an_object_and_nearly_everything_is_400() {
    let crm = Crm::start().await;
    let unknown = crm.create("Cases", None, json!({ "colour": "red" })).await;
    assert_eq!(unknown.status, 400);
    let expected = json!({ "status": 400, "title": null, "detail": "Property colour in Case module is invalid" });
    assert_eq!(unknown.body["errors"], expected);
    let malformed = send(crm.request(Method::POST, "/module").body("{\"data\":")).await.unwrap();
    assert_eq!(malformed.status, 400);
    assert_eq!(malformed.detail(), "The required option \"data\" is missing.");
    let nowhere = crm.create("Nothing", None, json!({})).await;
    assert_eq!(nowhere.detail(), "Module Nothing does not exist");
}

#[tokio::test]
async fn a_stock_suitecrm_knows_no_custom_field() {
    let stock = Crm::start_with(Settings::stock()).await;
    assert_eq!(stock.create("Cases", None, json!({ "product_c": "X" })).await.status, 400);
    let customized = Crm::start().await;
    assert_eq!(customized.case(json!({ "product_c": "X" })).await.attribute("product_c"), "X");
}

#[tokio::test]
async fn a_change_keeps_what_is_absent_ignores_null_and_clears_with_empty_text() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "A", "priority": "P1", "status": "Open_New", "state": "Open" })).await;
    let reply = crm.patch("Cases", CASE, json!({ "priority": null, "status": "" })).await;
    assert_eq!(reply.attribute("name"), "A");
    assert_eq!(reply.attribute("priority"), "P1");
    assert_eq!(reply.attribute("status"), "");
    assert_eq!(reply.attribute("state"), "Open");
}

#[tokio::test]
async fn two_concurrent_changes_of_different_fields_lose_one() {
    let crm = Crm::start_with(with_wide_window()).await;
    crm.case(json!({ "name": "old", "priority": "old" })).await;
    let (name, priority) = tokio::join!(
        crm.patch("Cases", CASE, json!({ "name": "new" })),
        crm.patch("Cases", CASE, json!({ "priority": "new" })),
    );
    assert_eq!((name.status, priority.status), (201, 201));
    let read = crm.read_case().await;
    let values = [read.attribute("name"), read.attribute("priority")];
    assert_eq!(values.iter().filter(|value| **value == "new").count(), 1, "{values:?}");
}

/// Starts a change of the name and returns when it has read the row but not yet written it.
async fn start_change(crm: &Crm) -> JoinHandle<reqwest::Result<Reply>> {
    let data = json!({ "type": "Cases", "id": CASE, "attributes": { "name": "new" } });
    let body = json!({ "data": data }).to_string();
    let change = tokio::spawn(send(crm.request(Method::PATCH, "/module").body(body)));
    while crm.fake.count("PATCH", "Cases") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    change
}

fn with_wide_window() -> Settings {
    Settings { patch_window: Duration::from_millis(500), ..Settings::default() }
}

#[tokio::test]
async fn the_edit_of_a_person_during_a_change_is_reverted() {
    let crm = Crm::start_with(with_wide_window()).await;
    crm.case(json!({ "name": "old", "priority": "P3" })).await;
    let change = start_change(&crm).await;
    crm.fake.edit("Cases", CASE, json!({ "priority": "P1" }), "u1").unwrap();
    assert_eq!(change.await.unwrap().unwrap().status, 201);
    assert_eq!(crm.read_case().await.attribute("priority"), "P3");
}

#[tokio::test]
async fn a_change_does_not_bring_back_a_case_that_was_deleted_meanwhile() {
    let crm = Crm::start_with(with_wide_window()).await;
    crm.case(json!({ "name": "old" })).await;
    let change = start_change(&crm).await;
    crm.fake.delete("Cases", CASE).unwrap();
    assert_eq!(change.await.unwrap().unwrap().status, 400);
    assert_eq!(crm.read_case().await.status, 400);
}

#[tokio::test]
async fn nothing_is_validated_and_too_long_text_is_cut_in_silence() {
    let crm = Crm::start().await;
    let reply = crm
        .case(json!({
            "name": "n".repeat(300),
            "description": "\u{e9}".repeat(40_000),
            "status": "No_Such_Status",
            "account_id": "nobody",
            "product_c": "p".repeat(300),
        }))
        .await;
    assert_eq!(reply.attribute("name").len(), 255);
    // The odd last byte would split a character.
    assert_eq!(reply.attribute("description").len(), 65_534);
    assert_eq!(reply.attribute("product_c").len(), 255);
    assert_eq!(reply.attribute("status"), "No_Such_Status");
    assert_eq!(reply.attribute("account_id"), "nobody");
    assert_eq!(crm.create("Cases", None, json!({ "name": "" })).await.status, 201);
}

#[tokio::test]
async fn scalars_come_back_as_text_and_an_omitted_status_is_empty() {
    let crm = Crm::start().await;
    let reply = crm.case(json!({ "name": 7, "type": true })).await;
    assert_eq!(reply.attribute("name"), "7");
    assert_eq!(reply.attribute("type"), "1");
    assert_eq!(reply.attribute("deleted"), "0");
    assert_eq!(reply.attribute("case_number"), "1");
    assert_eq!(reply.attribute("status"), "");
    assert_eq!(reply.attribute("priority"), "");
    let note = crm.create("Notes", None, json!({ "portal_flag": true })).await;
    assert_eq!(note.attribute("portal_flag"), "1");
    assert_eq!(note.attribute("embed_flag"), "0");
    assert!(note.body["data"]["attributes"].get("id").is_none());
    assert!(note.body["data"]["attributes"].as_object().unwrap().values().all(Value::is_string));
}
