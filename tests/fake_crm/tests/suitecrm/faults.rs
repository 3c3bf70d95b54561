use std::time::{Duration, Instant};

use fake_crm::{Fault, FaultRule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CASE, Crm, send};

fn creation() -> String {
    json!({ "data": { "type": "Cases", "id": CASE, "attributes": { "name": "a" } } }).to_string()
}

#[tokio::test]
async fn a_server_error_comes_before_anything_is_done() {
    let crm = Crm::start().await;
    crm.fake.fail(FaultRule::next(Fault::ServerError));
    let reply = crm.create("Cases", Some(CASE), json!({ "name": "a" })).await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.body["message"], "Slim Application Error");
    assert!(reply.body["error"].is_array());
    assert!(crm.fake.records("Cases").is_empty());
    crm.case(json!({ "name": "a" })).await;
}

#[tokio::test]
async fn a_dropped_connection_gives_no_answer_whether_the_work_was_done_or_not() {
    for (fault, rows) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        let crm = Crm::start().await;
        crm.fake.fail(FaultRule::next(fault));
        let outcome = send(crm.request(Method::POST, "/module").body(creation())).await;
        assert!(outcome.is_err(), "{fault:?}");
        assert_eq!(crm.fake.records("Cases").len(), rows, "{fault:?}");
        assert_eq!(crm.fake.calls().last().unwrap().status, None);
        assert_eq!(crm.get("/module/Cases").await.status, 200);
    }
}

#[tokio::test]
async fn a_throttled_call_says_when_to_come_back() {
    let crm = Crm::start().await;
    crm.fake.fail(FaultRule::next(Fault::TooManyRequests { retry_after: 7 }));
    crm.fake.fail(FaultRule::next(Fault::Unavailable { retry_after: 9 }));
    for (status, seconds) in [(429, "7"), (503, "9")] {
        let response = crm.request(Method::GET, "/module/Cases").send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["retry-after"], seconds);
    }
    assert_eq!(crm.get("/module/Cases").await.status, 200);
}

#[tokio::test]
async fn a_fault_hits_only_the_calls_that_it_names_and_only_so_many() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    let rule = FaultRule::next(Fault::AccessDenied)
        .times(2)
        .method("POST")
        .module("Notes")
        .path("/module");
    crm.fake.fail(rule);
    assert_eq!(crm.read_case().await.status, 200);
    assert_eq!(crm.create("Accounts", None, json!({ "name": "x" })).await.status, 201);
    for expected in [401, 401, 201] {
        assert_eq!(crm.create("Notes", None, json!({ "name": "n" })).await.status, expected);
    }
    assert!(crm.fake.pending_faults().is_empty());
}

#[tokio::test]
async fn a_call_that_hangs_is_done_even_if_its_caller_left() {
    let crm = Crm::start().await;
    crm.fake.fail(FaultRule::next(Fault::Hang { milliseconds: 300 }));
    let request = crm.request(Method::POST, "/module").body(creation());
    let left = send(request.timeout(Duration::from_millis(50))).await;
    assert!(left.is_err_and(|error| error.is_timeout()));
    assert!(crm.fake.records("Cases").is_empty());
    let start = Instant::now();
    while crm.fake.records("Cases").is_empty() {
        assert!(start.elapsed() < Duration::from_secs(5), "the case was never created");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn every_call_takes_as_long_as_the_latency() {
    let crm = Crm::start().await;
    crm.fake.set_latency(Duration::from_millis(120));
    let start = Instant::now();
    crm.get("/module/Cases").await;
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn calls_are_recorded_and_counted_without_secrets() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    crm.create("Notes", None, json!({ "colour": "red" })).await;
    crm.get("/module/Cases?page[size]=5").await;
    let calls = crm.fake.calls();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.method.as_str(), call.module.as_str(), call.status))
        .collect();
    let expected = [
        ("POST", "", Some(200)),
        ("POST", "Cases", Some(201)),
        ("POST", "Notes", Some(400)),
        ("GET", "Cases", Some(200)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(calls[0].body, "");
    let body: Value = serde_json::from_str(&calls[1].body).unwrap();
    assert_eq!(body["data"]["attributes"]["name"], "a");
    assert!(calls[3].path.ends_with("?page[size]=5"), "{}", calls[3].path);
    assert_eq!(crm.fake.count("POST", "Cases"), 1);
    crm.fake.clear_calls();
    assert_eq!(crm.fake.count("POST", "Cases"), 0);
    assert!(crm.fake.calls().is_empty());
}
