use fake_crm::espo::API_USER;
use serde_json::{Value, json};

use crate::support::{CLERK, Crm};

#[tokio::test]
async fn the_log_tells_in_the_order_of_a_number_who_changed_which_audited_field() {
    let crm = Crm::start().await;
    let case = crm.case("a").await;
    crm.fake
        .edit("Case", case.id(), json!({ "priority": "High", "description": "x" }), CLERK)
        .unwrap();
    crm.fake.edit("Case", case.id(), json!({ "description": "y" }), CLERK).unwrap();
    crm.fake.edit("Case", case.id(), json!({ "assignedUserId": CLERK }), CLERK).unwrap();
    crm.fake.post(case.id(), "Called them.", CLERK).unwrap();
    let log = crm.get("Note?orderBy=number&order=asc").await;
    assert_eq!(log.column("type"), ["Create", "Update", "Assign", "Post"]);
    assert_eq!(log.column("createdById"), [API_USER, CLERK, CLERK, CLERK]);
    let update = &log.body["list"][1]["data"]["attributes"];
    assert_eq!(
        *update,
        json!({ "was": { "priority": "Normal" }, "became": { "priority": "High" } })
    );
    let numbers: Vec<_> =
        log.body["list"].as_array().unwrap().iter().map(|n| n["number"].as_i64()).collect();
    assert!(numbers.is_sorted() && numbers.len() == 4, "{numbers:?}");
}

#[tokio::test]
async fn the_stream_of_a_case_has_the_newest_first_and_ends_with_the_case() {
    let crm = Crm::start().await;
    let (case, other) = (crm.case("a").await, crm.case("b").await);
    let post = |case: &str, text: &str| json!({ "type": "Post", "parentType": "Case", "parentId": case, "post": text });
    for (id, text) in [(case.id(), "one"), (other.id(), "else"), (case.id(), "two")] {
        assert_eq!(crm.post("Note", post(id, text)).await.status, 200);
    }
    let path = format!("Case/{}/stream", case.id());
    let stream = crm.get(&path).await;
    assert_eq!(stream.column("type"), ["Post", "Post", "Create"]);
    assert_eq!(stream.body["list"][0]["post"], "two");
    crm.fake.delete("Case", case.id(), CLERK).unwrap();
    assert_eq!(crm.get(&path).await.status, 404);
    assert_eq!(crm.post("Note", post(case.id(), "late")).await.status, 403);
    assert_eq!(
        crm.post("Note", json!({ "type": "Update", "parentType": "Case", "parentId": other.id() }))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn a_post_moves_neither_the_stamp_nor_the_version_of_its_case() {
    let crm = Crm::start().await;
    let case = crm.case("a").await;
    crm.fake.post(case.id(), "x", CLERK).unwrap();
    let after = crm.get(&format!("Case/{}", case.id())).await;
    let seen = |body: &Value| (body["modifiedAt"].clone(), body["versionNumber"].clone());
    assert_eq!(seen(&after.body), seen(&case.body));
}
