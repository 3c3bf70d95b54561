//! Broken connections, revoked tokens, outages.
use std::time::Duration;

use casebridge::crm::CrmError;
use casebridge::crm::adapters::Access;
use casebridge::crm::adapters::suitecrm::{self, SuiteCrm};
use casebridge::crm::case::RecordKind;
use casebridge::kernel::Secret;
use chrono::{TimeDelta, Utc};
use fake_crm::{FakeCrm, Fault, FaultRule};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::{case, note, settings, start};

#[actix_web::test]
async fn a_connection_that_breaks_after_the_commit_leaves_one_case_and_one_note() {
    let (crm, suite) = start().await;
    let (id, note) = (Uuid::now_v7(), note("hello"));
    crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Cases"));
    assert_eq!(suite.create_case(id, &case("Printer")).await.unwrap_err().class(), "transient");
    let found = suite.create_case(id, &case("Printer")).await.unwrap();
    assert_eq!(found.fields, case("Printer"));
    crm.fail(FaultRule::next(Fault::DropAfter).method("POST").module("Notes"));
    assert_eq!(suite.create_note(&found.id, &note).await.unwrap_err().class(), "transient");
    assert_eq!(suite.create_note(&found.id, &note).await.unwrap().body, "hello");
    assert_eq!((crm.records("Cases").len(), crm.records("Notes").len()), (1, 1));
}

#[actix_web::test]
async fn an_attempt_that_commits_after_its_timeout_and_its_repetition_make_one_case() {
    let crm = FakeCrm::start().await.unwrap();
    let timeout = Duration::from_millis(200);
    let suite = SuiteCrm::new(Access { timeout, ..settings(&crm) }).unwrap();
    let id = Uuid::now_v7();
    crm.fail(FaultRule::next(Fault::Hang { milliseconds: 400 }).method("POST").module("Cases"));
    assert_eq!(suite.create_case(id, &case("Printer")).await.unwrap_err().class(), "transient");
    suite.create_case(id, &case("Printer")).await.unwrap();
    while crm.calls().iter().any(|call| call.status.is_none()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(crm.records("Cases").len(), 1);
    let answers: Vec<_> =
        crm.calls().iter().filter(|c| c.module == "Cases").map(|c| c.status).collect();
    assert_eq!(
        answers,
        [Some(400), Some(201)],
        "the late attempt was the second to be carried out"
    );
}

#[actix_web::test]
async fn a_token_revoked_between_two_pages_is_replaced_once() {
    let (crm, suite) = start().await;
    for n in 0..150 {
        crm.create("Cases", json!({ "name": format!("{n}") })).unwrap();
    }
    let before = Utc::now() - TimeDelta::minutes(1);
    crm.set_latency(Duration::from_millis(20));
    let revoke = async {
        while crm.count("GET", "Cases") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        crm.revoke_tokens();
    };
    let later = Utc::now() + TimeDelta::seconds(5);
    let (changes, ()) = tokio::join!(suite.changed_since(before, later), revoke);
    assert_eq!(changes.unwrap().cases.len(), 150);
    assert_eq!(sign_ins(&crm), 2);
}

#[actix_web::test]
async fn many_callers_share_one_token_and_one_renewal() {
    let (crm, suite) = start().await;
    let created = suite.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    crm.revoke_tokens();
    let read = join_all((0..8).map(|_| suite.read_case(&created.id))).await;
    assert!(read.iter().all(Result::is_ok), "{read:?}");
    assert_eq!(sign_ins(&crm), 2);
}

#[actix_web::test]
async fn refused_credentials_are_an_auth_failure_without_the_secret() {
    let crm = FakeCrm::start().await.unwrap();
    let wrong = Access { secret: Secret::new("hunter2"), ..settings(&crm) };
    let refused =
        SuiteCrm::new(wrong).unwrap().records(RecordKind::User, None, None).await.unwrap_err();
    assert_eq!(refused.class(), "auth");
    assert!(!format!("{refused:?} {refused}").contains("hunter2"));
    let denied = SuiteCrm::new(settings(&crm)).unwrap();
    crm.fail(FaultRule::next(Fault::AccessDenied).method("GET").times(2));
    assert_eq!(denied.records(RecordKind::User, None, None).await.unwrap_err().class(), "auth");
}

#[actix_web::test]
async fn outages_and_throttling_are_told_apart() {
    let (crm, suite) = start().await;
    let wait = Some(Duration::from_secs(7));
    for (fault, expected) in [
        (Fault::ServerError, "transient"),
        (Fault::DropBefore, "transient"),
        (Fault::TooManyRequests { retry_after: 7 }, "throttled"),
        (Fault::Unavailable { retry_after: 7 }, "throttled"),
    ] {
        crm.fail(FaultRule::next(fault).method("GET").module("Users"));
        let failure = suite.records(RecordKind::User, None, None).await.unwrap_err();
        assert_eq!(failure.class(), expected, "{fault:?}: {failure}");
        if let CrmError::Throttled { retry_after } = failure {
            assert_eq!(retry_after, wait);
        }
    }
    let url = crm.url();
    drop(crm);
    let nobody =
        SuiteCrm::new(Access::stock(&suitecrm::KIND, &url, "client", Secret::new("hunter2")))
            .unwrap();
    assert_eq!(
        nobody.records(RecordKind::User, None, None).await.unwrap_err().class(),
        "transient"
    );
}

fn sign_ins(crm: &FakeCrm) -> usize {
    crm.calls().iter().filter(|call| call.path.ends_with("/access_token")).count()
}
