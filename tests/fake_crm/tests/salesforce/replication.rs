use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Crm, Reply};

async fn deleted(crm: &Crm, minutes_ago: i64, until: i64) -> Reply {
    let time = |minutes| {
        let time = Utc::now() - TimeDelta::minutes(minutes);
        time.format("%Y-%m-%dT%H:%M:%S%%2B00:00").to_string()
    };
    let (start, end) = (time(minutes_ago), time(until));
    crm.get(&format!("/sobjects/Case/deleted/?start={start}&end={end}")).await
}

#[tokio::test]
async fn the_log_knows_what_was_deleted_also_when_the_recycle_bin_is_empty() {
    let crm = Crm::start().await;
    crm.fake.set_clock_offset(-TimeDelta::minutes(5));
    let id = crm.fake.create("Case", json!({})).unwrap();
    crm.fake.delete("Case", &id).unwrap();
    crm.fake.set_clock_offset(TimeDelta::zero());
    let soql = "SELECT Id, IsDeleted FROM Case";
    assert_eq!(crm.query(soql).await.body["totalSize"], 0);
    assert_eq!(crm.query_all(soql).await.body["records"][0]["IsDeleted"], true);
    crm.fake.purge();
    assert_eq!(crm.query_all(soql).await.body["totalSize"], 0);
    let reply = deleted(&crm, 10, 0).await;
    assert_eq!(reply.body["deletedRecords"][0]["id"], id);
    assert!(reply.body["latestDateCovered"].as_str().unwrap().ends_with(":00.000+0000"));
    assert_eq!(deleted(&crm, 3, 0).await.body["deletedRecords"], json!([]));
}

#[tokio::test]
async fn the_log_refuses_a_minute_and_more_than_15_days() {
    let crm = Crm::start().await;
    for (ago, until) in [(1, 0), (0, 10), (16 * 24 * 60, 0)] {
        let reply = deleted(&crm, ago, until).await;
        assert_eq!((reply.status, reply.code()), (400, "INVALID_REPLICATION_DATE"), "{ago}");
    }
}

#[tokio::test]
async fn a_deletion_and_an_edit_move_the_stamp_which_is_in_whole_seconds() {
    let crm = Crm::start().await;
    let id = crm.fake.create("Case", json!({})).unwrap();
    let stamp = |crm: &Crm| crm.fake.record("Case", &id).unwrap().values["SystemModstamp"].clone();
    let first = stamp(&crm);
    assert!(first.as_str().unwrap().ends_with(".000+0000"), "{first}");
    let clerk = crm.fake.create("User", json!({"LastName": "Clerk"})).unwrap();
    crm.fake.set_clock_offset(TimeDelta::minutes(1));
    crm.fake.edit("Case", &id, json!({"Priority": "High"}), &clerk).unwrap();
    let second = stamp(&crm);
    crm.fake.set_clock_offset(TimeDelta::minutes(2));
    crm.fake.delete("Case", &id).unwrap();
    let order: Vec<Value> = vec![first, second, stamp(&crm)];
    assert!(order.is_sorted_by(|a, b| a.as_str() < b.as_str()), "{order:?}");
}

#[tokio::test]
async fn the_comments_of_a_deleted_case_are_deleted_too() {
    let crm = Crm::start().await;
    let id = crm.fake.create("Case", json!({})).unwrap();
    crm.fake.write_comment(&id, "a", &crm.fake.api_user()).unwrap();
    crm.fake.delete("Case", &id).unwrap();
    assert!(crm.fake.records("CaseComment").iter().all(|comment| comment.deleted));
}
