use chrono::TimeDelta;
use fake_crm::espo::{API_USER, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CLERK, Crm, send};

#[tokio::test]
async fn a_client_chooses_no_id_and_unknown_fields_are_ignored() {
    let crm = Crm::start().await;
    let made = crm.post("Case", json!({ "id": "mine", "name": "a", "colour": "red" })).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.id().len(), 17);
    assert!(made.body.get("colour").is_none());
    assert_eq!((&made.body["status"], &made.body["priority"]), (&json!("New"), &json!("Normal")));
    assert_eq!(
        (&made.body["createdById"], &made.body["versionNumber"]),
        (&json!(API_USER), &json!(1))
    );
}

#[tokio::test]
async fn values_are_checked_and_the_rule_is_named() {
    let crm = Crm::start().await;
    for (attributes, field, rule) in [
        (json!({ "name": "a<b" }), "name", "pattern"),
        (json!({ "name": "a>b" }), "name", "pattern"),
        (json!({ "name": "" }), "name", "required"),
        (json!({}), "name", "required"),
        (json!({ "name": "x".repeat(256) }), "name", "maxLength"),
        (json!({ "name": "a", "status": "Open" }), "status", "valid"),
        (json!({ "name": "a", "priority": "P1" }), "priority", "valid"),
    ] {
        let refused = crm.post("Case", attributes.clone()).await;
        let data = &refused.body["messageTranslation"]["data"];
        let said = (refused.status, data["field"].as_str(), data["type"].as_str());
        assert_eq!(said, (400, Some(field), Some(rule)), "{attributes}");
        assert!(refused.reason.contains(field), "{}", refused.reason);
    }
    let linked = crm.post("Case", json!({ "name": "a", "accountId": "nobody" })).await;
    assert_eq!(linked.status, 403);
    assert!(crm.fake.records("Case").is_empty());
}

#[tokio::test]
async fn text_comes_back_exactly_as_it_was_sent() {
    let crm = Crm::start().await;
    let text = " <b>bold</b> &lt; &amp; \"it's\" \r\n vec<int> = {} \u{e9}\u{1f642}\n";
    let made = crm.post("Case", json!({ "name": "a & b", "description": text })).await;
    assert_eq!(made.body["description"], text);
    assert_eq!(crm.get(&format!("Case/{}", made.id())).await.body["description"], text);
}

#[tokio::test]
async fn a_stale_version_is_refused_with_the_current_values() {
    let crm = Crm::start().await;
    let case = crm.case("a").await;
    let path = format!("Case/{}", case.id());
    crm.fake.edit("Case", case.id(), json!({ "priority": "High" }), CLERK).unwrap();
    let stale = crm.put(&path, Some(1), json!({ "priority": "Low" })).await;
    assert_eq!((stale.status, stale.reason.as_str()), (409, "modified"));
    assert_eq!(stale.body, json!({ "values": { "priority": "High" }, "versionNumber": 2 }));
    let current = crm.put(&path, Some(2), json!({ "priority": "Low" })).await;
    assert_eq!((current.status, &current.body["versionNumber"]), (200, &json!(3)));
    let unlocked = crm.put(&path, None, json!({ "priority": "Urgent" })).await;
    assert_eq!((unlocked.status, &unlocked.body["name"]), (200, &json!("a")));
}

#[tokio::test]
async fn a_write_that_changes_nothing_moves_the_stamp() {
    let crm = Crm::start().await;
    crm.fake.set_clock_offset(TimeDelta::minutes(-5));
    let case = crm.case("a").await;
    crm.fake.set_clock_offset(TimeDelta::zero());
    let again = crm.put(&format!("Case/{}", case.id()), None, json!({ "name": "a" })).await;
    assert!(again.body["modifiedAt"].as_str() > case.body["modifiedAt"].as_str());
    assert_eq!(again.body["createdAt"], case.body["createdAt"]);
}

#[tokio::test]
async fn a_deleted_record_is_not_found_and_its_key_is_free_again() {
    let crm = Crm::start().await;
    let new = json!({ "name": "a", "cTicketKey": "k" });
    let case = crm.post("Case", new.clone()).await;
    let duplicate = crm.post("Case", new.clone()).await;
    assert_eq!((duplicate.status, duplicate.reason.as_str()), (409, "duplicate"));
    assert_eq!(duplicate.body[0]["id"], case.body["id"]);
    let path = format!("Case/{}", case.id());
    assert_eq!(crm.delete(&path).await.body, Value::Bool(true));
    for gone in
        [crm.get(&path).await, crm.put(&path, None, json!({})).await, crm.delete(&path).await]
    {
        assert_eq!(gone.status, 404);
        assert!(gone.reason.contains("does not exist"), "{}", gone.reason);
    }
    assert_eq!(crm.post("Case", new).await.status, 200);
}

#[tokio::test]
async fn a_lead_with_a_known_address_is_a_duplicate_unless_that_does_not_matter() {
    let crm = Crm::start().await;
    let lead = json!({ "lastName": "Miller", "emailAddress": "m@customer.example" });
    assert_eq!(crm.post("Lead", lead.clone()).await.status, 200);
    assert_eq!(crm.post("Lead", lead.clone()).await.status, 409);
    let anyway = crm.request(Method::POST, "Lead").header("x-skip-duplicate-check", "true");
    assert_eq!(send(anyway.json(&lead)).await.unwrap().status, 200);
}

#[tokio::test]
async fn contacts_are_related_and_unrelated_any_number_of_times() {
    let crm = Crm::start().await;
    let case = crm.case("a").await;
    let contact = crm.fake.create("Contact", json!({ "lastName": "Miller" })).unwrap();
    let path = format!("Case/{}/contacts", case.id());
    for _ in 0..2 {
        assert_eq!(crm.post(&path, json!({ "id": contact })).await.body, Value::Bool(true));
    }
    assert_eq!(crm.get(&path).await.column("id"), [contact.as_str()]);
    let shown = crm.get(&format!("Case/{}", case.id())).await;
    assert_eq!(shown.body["contactsIds"], json!([contact]));
    assert_eq!(shown.body["modifiedAt"], case.body["modifiedAt"]);
    for _ in 0..2 {
        let request = crm.request(Method::DELETE, &path).json(&json!({ "id": contact }));
        assert_eq!(send(request).await.unwrap().body, Value::Bool(true));
    }
    assert!(crm.get(&path).await.column("id").is_empty());
    assert_eq!(crm.post(&path, json!({ "id": "nobody" })).await.status, 404);
}

#[tokio::test]
async fn a_stock_crm_ignores_our_fields_and_refuses_to_search_them() {
    let crm = Crm::start_with(Settings::stock()).await;
    let made = crm.post("Case", json!({ "name": "a", "cTicketKey": "k" })).await;
    assert_eq!(made.status, 200);
    let condition = json!([{ "type": "equals", "attribute": "cTicketKey", "value": "k" }]);
    let search = crm.list("Case", json!({ "where": condition })).await;
    assert_eq!((search.status, search.reason.contains("cTicketKey")), (400, true));
}
