//! Broken connections, ended sessions, used up quotas, outages.
use std::time::Duration;

use casebridge::crm::CrmError;
use casebridge::crm::adapters::salesforce::Salesforce;
use casebridge::crm::adapters::{Access, Adapter as _};
use casebridge::crm::case::{Case, Field, RecordKind};
use casebridge::kernel::Secret;
use fake_crm::salesforce::{FakeSalesforce, Settings};
use fake_crm::{Fault, FaultRule};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{access, case, made, start};

#[actix_web::test]
async fn a_connection_that_breaks_after_the_commit_leaves_one_case() {
    let (crm, sales) = start().await;
    let key = Uuid::now_v7();
    crm.fail(FaultRule::next(Fault::DropAfter).method("PATCH").module("Case"));
    let lost = sales.create_case(key, &case("Printer")).await.unwrap_err();
    assert_eq!(lost.class(), "transient");
    assert_eq!(sales.create_case(key, &case("Printer")).await.unwrap().fields, case("Printer"));
    assert_eq!(crm.records("Case").len(), 1);
}

#[actix_web::test]
async fn an_attempt_that_commits_after_its_timeout_and_its_repetition_make_one_case() {
    let crm = FakeSalesforce::start().await.unwrap();
    let timeout = Duration::from_millis(200);
    let sales = Salesforce::new(Access { timeout, ..access(&crm) }).unwrap();
    let key = Uuid::now_v7();
    crm.fail(FaultRule::next(Fault::Hang { milliseconds: 400 }).method("PATCH").module("Case"));
    let late = sales.create_case(key, &case("Printer")).await.unwrap_err();
    assert_eq!(late.class(), "transient");
    sales.create_case(key, &case("Printer")).await.unwrap();
    while crm.calls().iter().any(|call| call.status.is_none()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(crm.records("Case").len(), 1);
    assert_eq!(crm.count("PATCH", "Case"), 2);
}

#[actix_web::test]
async fn a_session_that_ends_in_the_middle_is_renewed_once_for_many_callers() {
    let (crm, sales) = start().await;
    let created = made(&sales, "Printer").await;
    crm.revoke_tokens();
    let update = Case::from_iter([(Field::Priority, "High")]);
    let reads = join_all((0..8).map(async |_| sales.related_contacts(&created.id).await));
    let writes = sales.update_case(&created, &update);
    let (reads, write) = tokio::join!(reads, writes);
    assert!(reads.iter().all(Result::is_ok), "{reads:?}");
    assert_eq!(write.unwrap().fields.get(Field::Priority), Some("High"));
    assert_eq!(sign_ins(&crm), 2);
}

#[actix_web::test]
async fn refused_credentials_are_an_auth_failure_without_the_secret() {
    let crm = FakeSalesforce::start().await.unwrap();
    let wrong = Access { secret: Secret::new("hunter2"), ..access(&crm) };
    let refused = Salesforce::new(wrong).unwrap().sign_in().await.unwrap_err();
    assert_eq!(refused.class(), "auth");
    assert!(!format!("{refused:?} {refused}").contains("hunter2"));
    let denied = Salesforce::new(access(&crm)).unwrap();
    crm.fail(FaultRule::next(Fault::AccessDenied).method("GET").times(2));
    let denied = denied.records(RecordKind::User, None, None).await.unwrap_err();
    assert_eq!(denied.class(), "auth");
}

#[actix_web::test]
async fn a_used_up_quota_throttles_for_a_quarter_of_an_hour() {
    let settings = Settings { daily_calls: 5000, ..Settings::default() };
    let crm = FakeSalesforce::start_with(settings).await.unwrap();
    let sales = Salesforce::new(access(&crm)).unwrap();
    crm.set_used_calls(5000);
    let wait = Some(Duration::from_secs(15 * 60));
    let refused = sales.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap_err();
    assert_eq!(refused, CrmError::Throttled { retry_after: wait });
}

#[actix_web::test]
async fn the_last_twentieth_of_the_quota_is_left_to_others_without_a_call() {
    let settings = Settings { daily_calls: 5000, ..Settings::default() };
    let crm = FakeSalesforce::start_with(settings).await.unwrap();
    let sales = Salesforce::new(access(&crm)).unwrap();
    crm.set_used_calls(4748);
    sales.reach("Case").await.unwrap();
    sales.reach("Case").await.unwrap();
    crm.clear_calls();
    let refused = sales.reach("Case").await.unwrap_err();
    let CrmError::Throttled { retry_after: Some(wait) } = refused else { panic!("{refused}") };
    assert!(wait > Duration::from_secs(290) && wait <= Duration::from_secs(300));
    assert!(crm.calls().is_empty());
}

#[actix_web::test]
async fn outages_and_throttling_are_told_apart() {
    let (crm, sales) = start().await;
    for (fault, expected) in [
        (Fault::ServerError, "transient"),
        (Fault::DropBefore, "transient"),
        (Fault::TooManyRequests { retry_after: 7 }, "throttled"),
        (Fault::Unavailable { retry_after: 7 }, "throttled"),
    ] {
        crm.fail(FaultRule::next(fault).method("GET").module("User"));
        let failure = sales.records(RecordKind::User, None, None).await.unwrap_err();
        assert_eq!(failure.class(), expected, "{fault:?}: {failure}");
        if let CrmError::Throttled { retry_after } = failure {
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
        }
    }
    let unreachable = access(&crm);
    drop(crm);
    let nobody = Salesforce::new(unreachable).unwrap().sign_in().await.unwrap_err();
    assert_eq!(nobody.class(), "transient");
}

#[actix_web::test]
async fn a_locked_record_is_tried_again_later() {
    let (crm, sales) = start().await;
    let created = made(&sales, "Printer").await;
    crm.fail_record("High", "UNABLE_TO_LOCK_ROW", 1);
    let update = Case::from_iter([(Field::Priority, "High")]);
    assert_eq!(sales.update_case(&created, &update).await.unwrap_err().class(), "transient");
    assert!(sales.update_case(&created, &update).await.is_ok());
}

fn sign_ins(crm: &FakeSalesforce) -> usize {
    crm.calls().iter().filter(|call| call.path.ends_with("/oauth2/token")).count()
}
