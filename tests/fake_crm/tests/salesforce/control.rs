use std::time::{Duration, Instant};

use fake_crm::{Fault, FaultRule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Crm, Reply, case, send};

async fn control(crm: &Crm, method: Method, path: &str, body: Value) -> Reply {
    let url = format!("{}/_control{path}", crm.fake.url());
    send(crm.http.request(method, url).json(&body)).await.unwrap()
}

#[tokio::test]
async fn people_can_be_played_over_http() {
    let crm = Crm::start().await;
    let seed = json!({ "Case": [{ "Subject": "a" }], "User": [{ "LastName": "Kim" }] });
    assert_eq!(control(&crm, Method::POST, "/seed", seed).await.status, 204);
    let user = crm.fake.records("User").last().unwrap().id.clone();
    let id = crm.fake.records("Case")[0].id.clone();
    let path = format!("/records/Case/{id}");
    let edit = json!({ "fields": { "Subject": "b" }, "user": user });
    assert_eq!(control(&crm, Method::PATCH, &path, edit).await.status, 204);
    let comment = json!({ "body": "c", "user": user });
    let written = control(&crm, Method::POST, &format!("/cases/{id}/comments"), comment).await;
    assert_eq!(written.status, 201);
    let rows = control(&crm, Method::GET, "/records/Case", Value::Null).await;
    assert_eq!(rows.body[0]["values"]["Subject"], "b");
    assert_eq!(rows.body[0]["values"]["LastModifiedById"], user);
    assert_eq!(control(&crm, Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(control(&crm, Method::DELETE, &path, Value::Null).await.status, 400);
    assert_eq!(control(&crm, Method::DELETE, "/recycle-bin", Value::Null).await.status, 204);
    assert!(crm.fake.records("Case").is_empty());
}

#[tokio::test]
async fn failures_can_be_ordered_over_http() {
    let crm = Crm::start().await;
    let soql = "SELECT Id FROM Case";
    let rule = json!({ "fault": { "kind": "unavailable", "retry_after": 3 }, "module": "Case" });
    assert_eq!(control(&crm, Method::POST, "/faults", rule).await.status, 204);
    let reply = crm.query(soql).await;
    assert_eq!((reply.status, &reply.headers["retry-after"]), (503, &"3".parse().unwrap()));
    assert_eq!(crm.query(soql).await.status, 200);
    let record = json!({ "contains": "locked", "code": "UNABLE_TO_LOCK_ROW" });
    assert_eq!(control(&crm, Method::POST, "/record-faults", record).await.status, 204);
    let locked = json!([case(json!({"Casebridge_Key__c": "k", "Subject": "locked"}))]);
    assert_eq!(crm.upsert(locked.clone()).await.outcomes(), ["UNABLE_TO_LOCK_ROW"]);
    assert_eq!(crm.upsert(locked.clone()).await.outcomes(), ["ok"]);
    let record = json!({ "contains": "locked", "code": "UNABLE_TO_LOCK_ROW" });
    assert_eq!(control(&crm, Method::POST, "/record-faults", record).await.status, 204);
    assert_eq!(control(&crm, Method::DELETE, "/record-faults", Value::Null).await.status, 204);
    assert_eq!(crm.upsert(locked).await.outcomes(), ["ok"]);
    let counters = control(&crm, Method::GET, "/counters", Value::Null).await;
    assert_eq!((&counters.body["GET Case"], &counters.body["PATCH Case"]), (&json!(2), &json!(3)));
    assert_eq!(control(&crm, Method::PUT, "/quota", json!({ "used": 100_000 })).await.status, 204);
    assert_eq!(crm.query(soql).await.status, 403);
    assert_eq!(control(&crm, Method::DELETE, "/tokens", Value::Null).await.status, 204);
    assert_eq!(crm.query(soql).await.status, 401);
}

#[tokio::test]
async fn a_dropped_connection_gives_no_answer_whether_the_work_was_done_or_not() {
    for (fault, rows) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        let crm = Crm::start().await;
        crm.fake.fail(FaultRule::next(fault).method("PATCH"));
        let body = json!({ "records": [case(json!({"Casebridge_Key__c": "k"}))] });
        let path = "/composite/sobjects/Case/Casebridge_Key__c";
        let outcome = send(crm.request(Method::PATCH, path).json(&body)).await;
        assert!(outcome.is_err(), "{fault:?}");
        assert_eq!(crm.fake.records("Case").len(), rows, "{fault:?}");
    }
}

#[tokio::test]
async fn every_call_takes_as_long_as_the_latency_and_secrets_are_not_recorded() {
    let crm = Crm::start().await;
    crm.fake.set_latency(Duration::from_millis(80));
    let start = Instant::now();
    crm.query("SELECT Id FROM User").await;
    assert!(start.elapsed() >= Duration::from_millis(80));
    let calls = crm.fake.calls();
    assert!(calls[0].path.ends_with("/oauth2/token") && calls[0].body.is_empty());
    assert_eq!((calls[1].module.as_str(), calls[1].status), ("User", Some(200)));
}

#[tokio::test]
async fn a_typing_error_in_a_test_is_refused() {
    let crm = Crm::start().await;
    assert!(crm.fake.create("Cases", json!({})).is_err());
    assert!(crm.fake.create("Case", json!({ "Subjet": "a" })).is_err());
    assert!(crm.fake.write_comment("nothing", "a", &crm.fake.api_user()).is_err());
}
