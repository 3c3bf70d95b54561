use std::time::Duration;

use fake_crm::{Fault, FaultRule};
use reqwest::Method;
use serde_json::json;

use crate::support::{Crm, send};

#[tokio::test]
async fn the_key_or_the_administrators_password_opens_the_door_and_nothing_else() {
    let crm = Crm::start().await;
    assert_eq!(crm.get("App/user").await.body["user"]["userName"], "casebridge");
    let without = crm.bare(Method::GET, "Case");
    let wrong = crm.bare(Method::GET, "Case").header("x-api-key", "other");
    let guessed = crm.bare(Method::GET, "Case").basic_auth("admin", Some("admin"));
    for request in [without, wrong, guessed] {
        assert_eq!(send(request).await.unwrap().status, 401);
    }
    let admin = crm.bare(Method::GET, "App/user").basic_auth("admin", Some("password"));
    assert_eq!(send(admin).await.unwrap().body["user"]["userName"], "admin");
    crm.fake.revoke_key(true);
    assert_eq!(crm.get("Case").await.status, 401);
    crm.fake.revoke_key(false);
    assert_eq!(crm.get("Case").await.status, 200);
}

#[tokio::test]
async fn a_dropped_connection_gives_no_answer_whether_the_work_was_done_or_not() {
    for (fault, rows) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        let crm = Crm::start().await;
        crm.fake.fail(FaultRule::next(fault).method("POST").module("Case"));
        let request = crm.request(Method::POST, "Case").json(&json!({ "name": "a" }));
        assert!(send(request).await.is_err(), "{fault:?}");
        assert_eq!(crm.fake.records("Case").len(), rows, "{fault:?}");
        assert_eq!(crm.fake.calls().last().unwrap().status, None);
        assert_eq!(crm.get("Case").await.status, 200);
    }
}

#[tokio::test]
async fn an_outage_is_an_outage_and_a_pause_has_an_end() {
    let crm = Crm::start().await;
    for (fault, status, wait) in [
        (Fault::ServerError, 500, None),
        (Fault::TooManyRequests { retry_after: 7 }, 429, Some("7")),
        (Fault::Unavailable { retry_after: 9 }, 503, Some("9")),
        (Fault::AccessDenied, 401, None),
    ] {
        crm.fake.fail(FaultRule::next(fault));
        let response = crm.request(Method::GET, "Case").send().await.unwrap();
        assert_eq!(response.status(), status);
        let retry_after =
            response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(retry_after, wait);
    }
    assert_eq!((crm.get("Case").await.status, crm.fake.count("GET", "Case")), (200, 5));
}

#[tokio::test]
async fn a_call_that_hangs_is_done_even_if_its_caller_left() {
    let crm = Crm::start().await;
    crm.fake.fail(FaultRule::next(Fault::Hang { milliseconds: 200 }));
    let request = crm.request(Method::POST, "Case").json(&json!({ "name": "a" }));
    let left = send(request.timeout(Duration::from_millis(50))).await;
    assert!(left.is_err_and(|error| error.is_timeout()));
    for _ in 0..250 {
        if !crm.fake.records("Case").is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the case was never created");
}
