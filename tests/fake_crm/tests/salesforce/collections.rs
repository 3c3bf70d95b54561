use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Crm, case, send};

#[tokio::test]
async fn a_key_makes_one_record_however_often_it_is_sent() {
    let crm = Crm::start().await;
    for (created, subject) in [(true, "a"), (false, "b")] {
        let reply =
            crm.upsert(json!([case(json!({"Casebridge_Key__c": "k", "Subject": subject}))])).await;
        assert_eq!((reply.status, &reply.body[0]["created"]), (200, &created.into()));
    }
    let cases = crm.fake.records("Case");
    assert_eq!((cases.len(), cases[0].value("Subject")), (1, "b"));
    let twice =
        json!([case(json!({"Casebridge_Key__c": "x"})), case(json!({"Casebridge_Key__c": "X"}))]);
    assert_eq!(crm.upsert(twice).await.outcomes(), ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]);
}

#[tokio::test]
async fn results_come_in_order_and_one_failure_is_one_failure() {
    let crm = Crm::start().await;
    let records = json!([
        case(json!({"Casebridge_Key__c": "1"})),
        case(json!({"Casebridge_Key__c": "2", "Subject": "x".repeat(256)})),
        case(json!({"Casebridge_Key__c": "3", "AccountId": "001000000000099AAA"})),
        case(json!({"Casebridge_Key__c": "4", "AccountId": "nobody"})),
        case(json!({"Casebridge_Key__c": "5"})),
    ]);
    let reply = crm.upsert(records).await;
    let expected = ["ok", "STRING_TOO_LONG", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "ok"];
    assert_eq!(reply.outcomes(), expected);
    assert_eq!(reply.body[1]["errors"][0]["fields"], json!(["Subject"]));
    assert_eq!(crm.fake.records("Case").len(), 2);
}

#[tokio::test]
async fn all_or_none_is_none_when_one_fails() {
    let crm = Crm::start().await;
    let records = json!([case(json!({"Subject": "a"})), case(json!({"Subject": "x".repeat(256)}))]);
    let reply = crm.save(Method::POST, "", true, records).await;
    assert_eq!(reply.outcomes(), ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "STRING_TOO_LONG"]);
    assert!(crm.fake.records("Case").is_empty());
}

#[tokio::test]
async fn two_hundred_records_are_the_most_and_a_wrong_field_fails_the_call() {
    let crm = Crm::start().await;
    let many = |n: usize| Value::from(vec![case(json!({"Subject": "a"})); n]);
    assert_eq!(crm.save(Method::POST, "", false, many(200)).await.status, 200);
    assert_eq!(crm.save(Method::POST, "", false, many(201)).await.status, 400);
    let wrong = json!([case(json!({"Subject": "a"})), case(json!({"Colour": "red"}))]);
    let reply = crm.save(Method::POST, "", false, wrong).await;
    assert_eq!((reply.status, reply.code()), (400, "INVALID_FIELD"));
    assert_eq!(crm.fake.records("Case").len(), 200);
}

#[tokio::test]
async fn a_deleted_record_cannot_be_updated_and_its_key_is_free_again() {
    let crm = Crm::start().await;
    let made = crm.upsert(json!([case(json!({"Casebridge_Key__c": "k"}))])).await;
    let id = made.body[0]["id"].clone();
    let path = format!("/sobjects/Case/{}", id.as_str().unwrap());
    let deletion = send(crm.request(Method::DELETE, &path)).await.unwrap();
    assert_eq!((deletion.status, deletion.body), (204, Value::Null));
    let gone = crm.get(&path).await;
    assert_eq!((gone.status, gone.code()), (404, "ENTITY_IS_DELETED"));
    let update = json!([case(json!({"id": id, "Subject": "b"}))]);
    let reply = crm.save(Method::PATCH, "", false, update).await;
    assert_eq!(reply.outcomes(), ["ENTITY_IS_DELETED"]);
    let again = crm.upsert(json!([case(json!({"Casebridge_Key__c": "k"}))])).await;
    assert_eq!(again.body[0]["created"], true);
}

#[tokio::test]
async fn assignment_rules_take_the_owner_unless_they_are_switched_off() {
    let crm = Crm::start().await;
    let body = json!({ "records": [case(json!({"Subject": "a"}))] });
    let url = format!("{}/services/data/v65.0/composite/sobjects", crm.fake.url());
    let ours = crm.request(Method::POST, "/composite/sobjects").json(&body).build().unwrap();
    let token = ours.headers()["authorization"].clone();
    let theirs = crm.http.post(url).header("authorization", token).json(&body);
    for (request, is_ours) in
        [(reqwest::RequestBuilder::from_parts(crm.http.clone(), ours), true), (theirs, false)]
    {
        let id = send(request).await.unwrap().body[0]["id"].as_str().unwrap().to_owned();
        let owner = crm.fake.record("Case", &id).unwrap().value("OwnerId").to_owned();
        assert_eq!(owner == crm.fake.api_user(), is_ours);
    }
}

#[tokio::test]
async fn text_loses_the_white_space_around_it_and_an_empty_one_is_null() {
    let crm = Crm::start().await;
    let fields =
        json!({"Casebridge_Key__c": "k", "Subject": "  <b>a</b> & b \n", "Description": ""});
    crm.upsert(json!([case(fields)])).await;
    let read = crm.query("SELECT Subject, Description FROM Case").await;
    assert_eq!(read.body["records"][0]["Subject"], "<b>a</b> & b");
    assert_eq!(read.body["records"][0]["Description"], Value::Null);
}

#[tokio::test]
async fn a_comment_holds_4000_bytes_and_a_lead_needs_a_name_and_a_company() {
    let crm = Crm::start().await;
    let id = crm.fake.create("Case", json!({})).unwrap();
    let comment = |body: String| json!({"attributes": {"type": "CaseComment"}, "ParentId": id, "CommentBody": body});
    let records = json!([comment("é".repeat(2000)), comment("é".repeat(2001))]);
    let reply = crm.save(Method::POST, "", false, records).await;
    assert_eq!(reply.outcomes(), ["ok", "STRING_TOO_LONG"]);
    let lead = json!([{"attributes": {"type": "Lead"}, "LastName": "Lee"}]);
    let reply = crm.save(Method::POST, "", false, lead).await;
    assert_eq!(reply.outcomes(), ["REQUIRED_FIELD_MISSING"]);
}
