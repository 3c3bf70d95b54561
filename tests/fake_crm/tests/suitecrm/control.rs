use fake_crm::FakeCrm;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CASE, Crm, Reply, send};

async fn control(crm: &Crm, method: Method, path: &str, body: Value) -> Reply {
    let request = crm.http.request(method, crm.url(&format!("/_control{path}"))).json(&body);
    send(request).await.unwrap()
}

#[tokio::test]
async fn people_can_be_played_over_http() {
    let crm = Crm::start().await;
    let seed = json!({ "Cases": [{ "id": CASE, "name": "a" }], "Users": [{ "id": "u1", "user_name": "kim" }] });
    assert_eq!(control(&crm, Method::POST, "/seed", seed).await.status, 204);
    let edit = json!({ "attributes": { "name": "b" }, "user": "u1" });
    let case = format!("/records/Cases/{CASE}");
    assert_eq!(control(&crm, Method::PATCH, &case, edit).await.status, 204);
    let note = json!({ "name": "n", "description": "d", "user": "u1" });
    let written = control(&crm, Method::POST, &format!("/cases/{CASE}/notes"), note).await;
    assert_eq!(written.status, 201);
    let rows = control(&crm, Method::GET, "/records/Cases", Value::Null).await;
    assert_eq!(rows.body[0]["values"]["name"], "b");
    assert_eq!(rows.body[0]["values"]["modified_user_id"], "u1");
    assert_eq!(control(&crm, Method::DELETE, &case, Value::Null).await.status, 204);
    assert_eq!(crm.read_case().await.status, 400);
    assert_eq!(control(&crm, Method::DELETE, &case, Value::Null).await.status, 400);
}

#[tokio::test]
async fn failures_can_be_ordered_over_http() {
    let crm = Crm::start().await;
    let rule = json!({ "fault": { "kind": "unavailable", "retry_after": 3 }, "method": "GET" });
    assert_eq!(control(&crm, Method::POST, "/faults", rule).await.status, 204);
    assert_eq!(crm.get("/module/Cases").await.status, 503);
    assert_eq!(crm.get("/module/Cases").await.status, 200);
    let counters = control(&crm, Method::GET, "/counters", Value::Null).await;
    assert_eq!(counters.body["GET Cases"], 2);
    let calls = control(&crm, Method::GET, "/calls", Value::Null).await;
    assert_eq!(calls.body[1]["status"], 503);
    assert_eq!(control(&crm, Method::DELETE, "/tokens", Value::Null).await.status, 204);
    assert_eq!(crm.get("/module/Cases").await.status, 401);
}

#[tokio::test]
async fn the_clock_and_the_latency_can_be_set_over_http() {
    let crm = Crm::start().await;
    let latency = control(&crm, Method::PUT, "/latency", json!({ "milliseconds": 1 })).await;
    assert_eq!(latency.status, 204);
    let clock = control(&crm, Method::PUT, "/clock", json!({ "offset_seconds": 3601 })).await;
    assert_eq!(clock.status, 204);
    assert_eq!(crm.get("/module/Cases").await.status, 401);
}

#[tokio::test]
async fn a_typing_error_in_a_test_is_refused() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    assert!(crm.fake.create("Case", json!({})).is_err());
    assert!(crm.fake.create("Cases", json!({ "nam": "a" })).is_err());
    assert!(crm.fake.edit("Cases", CASE, json!({ "nam": "a" }), "u1").is_err());
    assert!(crm.fake.write_note("nothing", "n", "d", "u1").is_err());
}

#[tokio::test]
async fn a_dropped_crm_frees_its_port() {
    let crm = Crm::start().await;
    crm.get("/module/Cases").await;
    let port = crm.fake.url().rsplit(':').next().unwrap().parse().unwrap();
    drop(crm.fake);
    let again = FakeCrm::start_on(port).await.unwrap();
    assert!(again.records("Cases").is_empty());
}

#[actix_web::test]
async fn many_run_in_one_process_and_in_an_actix_test() {
    let (a, b) = (Crm::start().await, Crm::start().await);
    a.case(json!({ "name": "a" })).await;
    assert!(b.fake.records("Cases").is_empty());
    assert_ne!(a.fake.url(), b.fake.url());
}
