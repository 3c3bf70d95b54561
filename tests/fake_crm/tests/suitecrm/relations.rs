use serde_json::json;

use crate::support::{CASE, Crm};

const CONTACT: &str = "22222222-2222-4222-8222-222222222222";

async fn with_contact() -> Crm {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a", "date_modified": "2030-01-31 10:00:00" })).await;
    crm.fake.create("Contacts", json!({ "id": CONTACT, "last_name": "B" })).unwrap();
    crm
}

#[tokio::test]
async fn relating_a_contact_is_idempotent_and_does_not_bump_the_case() {
    let crm = with_contact().await;
    let path = format!("/module/Cases/{CASE}/relationships/contacts");
    assert!(crm.get(&path).await.body.get("data").is_none());
    for _ in 0..2 {
        let body = json!({ "data": { "type": "Contacts", "id": CONTACT } });
        assert_eq!(crm.post(&path, body).await.status, 201);
    }
    let listed = crm.get(&path).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(listed.body["data"][0]["id"], CONTACT);
    assert_eq!(crm.fake.contacts_of(CASE), [CONTACT]);
    assert_eq!(
        crm.fake.record("Cases", CASE).unwrap().value("date_modified"),
        "2030-01-31 10:00:00"
    );
}

#[tokio::test]
async fn removing_a_contact_twice_is_400_the_second_time() {
    let crm = with_contact().await;
    let path = format!("/module/Cases/{CASE}/relationships");
    crm.post(&path, json!({ "data": { "type": "Contacts", "id": CONTACT } })).await;
    assert_eq!(crm.delete(&format!("{path}/contacts/{CONTACT}")).await.status, 200);
    let again = crm.delete(&format!("{path}/contacts/{CONTACT}")).await;
    assert_eq!(again.status, 400);
    assert_eq!(again.detail(), format!("Module with {CONTACT} id is not related to Case"));
}

#[tokio::test]
async fn a_contact_that_does_not_exist_cannot_be_related() {
    let crm = with_contact().await;
    let path = format!("/module/Cases/{CASE}/relationships/contacts");
    let reply = crm.post(&path, json!({ "data": { "type": "Contacts", "id": "nobody" } })).await;
    assert_eq!(reply.detail(), "Contacts module with id nobody is not found");
}

#[tokio::test]
async fn notes_are_listed_by_parent_and_their_parent_is_not_checked() {
    let crm = with_contact().await;
    for (name, parent) in [("on the case", CASE), ("on nothing", "nothing")] {
        let note = json!({ "name": name, "parent_type": "Cases", "parent_id": parent, "contact_id": CONTACT });
        assert_eq!(crm.create("Notes", None, note).await.status, 201);
    }
    crm.fake.write_note(CASE, "by a person", "text", "u1").unwrap();
    let reply = crm.get(&format!("/module/Notes?filter[parent_id][eq]={CASE}&sort=name")).await;
    assert_eq!(reply.names(), ["by a person", "on the case"]);
    assert_eq!(reply.body["data"][0]["attributes"]["created_by"], "u1");
    let fresh = crm.get("/module/Notes?filter[date_modified][gte]=2031-01-01 00:00:00").await;
    assert!(fresh.names().is_empty());
}

#[tokio::test]
async fn deleting_a_case_with_notes_fails_and_only_takes_its_notes() {
    let crm = with_contact().await;
    let note = crm.fake.write_note(CASE, "n", "text", "u1").unwrap();
    let path = format!("/module/Cases/{CASE}");
    let reply = crm.delete(&path).await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.body["message"], "Slim Application Error");
    assert_eq!(crm.read_case().await.status, 200);
    assert_eq!(crm.fake.record("Notes", &note).unwrap().value("parent_id"), "");
    assert_eq!(crm.delete(&path).await.status, 200);
}
