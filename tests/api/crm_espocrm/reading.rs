//! Changes, posts and people as they are read.
use casebridge::crm::adapters::espocrm::EspoCrm;
use casebridge::crm::adapters::{Access, Position};
use casebridge::crm::case::RecordKind;
use casebridge::kernel::Secret;
use chrono::{TimeDelta, Utc};
use fake_crm::espo::API_USER;
use serde_json::json;
use uuid::Uuid;

use super::{CLERK, access, case, start};

fn since(minutes: i64) -> Position {
    Position { time: Utc::now() - TimeDelta::minutes(minutes), cursor: None }
}

#[actix_web::test]
async fn the_log_tells_who_made_the_last_change_even_if_we_saved_other_things_since() {
    let (crm, espo) = start().await;
    let created = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    assert_eq!(created.modified_by.as_deref(), Some(API_USER));
    crm.set_clock_offset(TimeDelta::seconds(-20));
    crm.edit("Case", &created.id, json!({ "priority": "High" }), CLERK).unwrap();
    crm.edit("Case", &created.id, json!({}), API_USER).unwrap();
    crm.set_clock_offset(TimeDelta::zero());
    let now = Utc::now() + TimeDelta::seconds(5);
    let changes = espo.changed_since(&since(5), now).await.unwrap();
    assert_eq!(changes.cases[0].modified_by.as_deref(), Some(CLERK));
    // A save that the log does not tell of is the case's own word.
    crm.edit("Case", &created.id, json!({ "description": "x" }), API_USER).unwrap();
    let changes = espo.changed_since(&since(5), now).await.unwrap();
    assert_eq!(changes.cases[0].modified_by.as_deref(), Some(API_USER));
}

#[actix_web::test]
async fn a_post_is_found_by_its_number_even_if_its_stamp_is_old() {
    let (crm, espo) = start().await;
    let created = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    let now = Utc::now() + TimeDelta::seconds(5);
    let first = espo.changed_since(&since(5), now).await.unwrap();
    let number: i64 = first.position.cursor.as_deref().unwrap().parse().unwrap();
    crm.set_clock_offset(TimeDelta::hours(-1));
    crm.post(&created.id, "From a clock that is slow", CLERK).unwrap();
    crm.set_clock_offset(TimeDelta::zero());
    let later = now + TimeDelta::minutes(1);
    let second = espo.changed_since(&first.position, later).await.unwrap();
    assert_eq!(second.notes.len(), 1);
    assert_eq!(second.position.cursor, Some((number + 1).to_string()));
    // Windows overlap; when that is over and nothing is new, the cursor stays.
    let much_later = later + TimeDelta::minutes(30);
    let third = espo.changed_since(&second.position, much_later).await.unwrap();
    let much_later = much_later + TimeDelta::minutes(30);
    let quiet = espo.changed_since(&third.position, much_later).await.unwrap();
    assert!(quiet.notes.is_empty() && quiet.cases.is_empty());
    assert_eq!(quiet.position.cursor, second.position.cursor);
}

#[actix_web::test]
async fn the_position_stays_behind_the_present_and_goes_by_the_hour_when_it_is_late() {
    let (_crm, espo) = start().await;
    let now = Utc::now();
    let caught_up = espo.changed_since(&since(1), now).await.unwrap().position.time;
    assert!(caught_up < now && caught_up > now - TimeDelta::seconds(10));
    let future = Position { time: now + TimeDelta::minutes(1), cursor: Some("7".into()) };
    assert_eq!(espo.changed_since(&future, now).await.unwrap().position, future);
    let late = since(3 * 24 * 60);
    let step = espo.changed_since(&late, now).await.unwrap().position.time;
    assert_eq!(step, late.time + TimeDelta::hours(1));
}

#[actix_web::test]
async fn every_post_of_a_long_stream_is_read_and_nothing_else() {
    let (crm, espo) = start().await;
    let created = espo.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    for n in 0..210 {
        crm.post(&created.id, &format!("post {n}"), CLERK).unwrap();
        let priority = if n % 2 == 0 { "High" } else { "Low" };
        crm.edit("Case", &created.id, json!({ "priority": priority }), CLERK).unwrap();
    }
    let notes = espo.notes(&created.id).await.unwrap();
    let expected: Vec<String> = (0..210).map(|n| format!("post {n}")).collect();
    assert_eq!(notes.into_iter().map(|note| note.body).collect::<Vec<_>>(), expected);
}

#[actix_web::test]
async fn a_crm_without_the_sales_pack_has_no_products_and_users_who_left_are_told() {
    let (crm, espo) = start().await;
    let products = espo.records(RecordKind::Product, None, None).await.unwrap();
    assert!(products.records.is_empty() && products.next.is_none());
    crm.edit("User", CLERK, json!({ "isActive": false, "firstName": "Ann" }), CLERK).unwrap();
    let users = espo.records(RecordKind::User, None, None).await.unwrap().records;
    let clerk = users.iter().find(|user| user.id == CLERK).unwrap();
    assert_eq!((clerk.name.as_str(), clerk.active), ("Ann Sales clerk", false));
    assert!(users.iter().any(|user| user.id == API_USER && user.active));
    let wrong = espo.records(RecordKind::User, None, Some("nonsense")).await.unwrap_err();
    assert_eq!(wrong.class(), "permanent");
}

#[actix_web::test]
async fn a_user_signs_in_with_name_and_password_where_a_client_id_is_given() {
    let (crm, _) = start().await;
    let admin = |password: &str| {
        let secret = Secret::new(password);
        EspoCrm::new(Access { client_id: "admin".into(), secret, ..access(&crm) }).unwrap()
    };
    admin("password").create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    let refused = admin("wrong").create_case(Uuid::now_v7(), &case("Printer")).await.unwrap_err();
    assert_eq!(refused.class(), "auth");
}

#[actix_web::test]
async fn an_address_at_which_there_is_no_espocrm_is_told_from_a_case_that_is_gone() {
    let (crm, espo) = start().await;
    assert_eq!(espo.read_case("nothing").await.unwrap_err().class(), "not_found");
    let base_url = format!("{}/elsewhere", crm.url());
    let lost = EspoCrm::new(Access { base_url, ..access(&crm) }).unwrap();
    assert_eq!(lost.read_case("nothing").await.unwrap_err().class(), "permanent");
}
