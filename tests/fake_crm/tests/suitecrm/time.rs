use chrono::{NaiveDateTime, TimeDelta, Utc};
use serde_json::json;

use crate::support::{CASE, Crm};

fn modified(crm: &Crm) -> NaiveDateTime {
    let record = crm.fake.record("Cases", CASE).unwrap();
    NaiveDateTime::parse_from_str(record.value("date_modified"), "%Y-%m-%d %H:%M:%S").unwrap()
}

#[tokio::test]
async fn answers_cut_the_seconds_while_filters_compare_them() {
    let crm = Crm::start().await;
    let reply = crm.case(json!({ "name": "a", "date_modified": "2030-01-31 10:20:42" })).await;
    assert_eq!(reply.attribute("date_modified"), "2030-01-31T10:20:00+00:00");
    for (filter, found) in [
        ("filter[date_modified][gte]=2030-01-31 10:20:42", 1),
        ("filter[date_modified][gt]=2030-01-31 10:20:42", 0),
        ("filter[date_modified][lte]=2030-01-31 10:20:41", 0),
        ("filter[date_modified][lt]=2030-01-31 10:20:43", 1),
        (
            "filter[date_modified][gt]=2030-01-31 10:20:41&filter[date_modified][lt]=2030-01-31 10:20:42",
            0,
        ),
    ] {
        let reply = crm.get(&format!("/module/Cases?{filter}")).await;
        assert_eq!(reply.names().len(), found, "{filter}");
    }
}

#[tokio::test]
async fn a_garbage_date_matches_everything() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    for operator in ["eq", "gt", "lt"] {
        let reply =
            crm.get(&format!("/module/Cases?filter[date_modified][{operator}]=yesterday")).await;
        assert_eq!(reply.names(), ["a"]);
    }
}

#[tokio::test]
async fn a_change_that_changes_nothing_still_bumps_the_time() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    let before = modified(&crm);
    crm.fake.set_clock_offset(TimeDelta::minutes(30));
    crm.patch("Cases", CASE, json!({ "name": "a" })).await;
    assert!(modified(&crm) - before >= TimeDelta::minutes(30));
}

#[tokio::test]
async fn a_client_can_forge_the_time_of_a_change() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    crm.patch("Cases", CASE, json!({ "date_modified": "2001-02-03T04:05:06+00:00" })).await;
    assert_eq!(
        crm.fake.record("Cases", CASE).unwrap().value("date_modified"),
        "2001-02-03 04:05:06"
    );
}

#[tokio::test]
async fn the_edit_of_a_person_bumps_the_time_and_names_the_person() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    assert_eq!(crm.read_case().await.attribute("modified_user_id"), fake_crm::API_USER);
    crm.fake.set_clock_offset(TimeDelta::minutes(30));
    crm.fake.edit("Cases", CASE, json!({ "name": "b" }), "u1").unwrap();
    assert!(modified(&crm) - Utc::now().naive_utc() > TimeDelta::minutes(29));
    assert_eq!(crm.read_case().await.attribute("modified_user_id"), "u1");
}
