//! Changes, notes and people as they are read.
use std::time::Duration;

use casebridge::crm::case::RecordKind;
use chrono::{TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{case, start};

#[actix_web::test]
async fn notes_of_people_in_the_crm_come_with_their_author() {
    let (crm, suite) = start().await;
    let user = crm.create("Users", json!({ "user_name": "ann" })).unwrap();
    let [one, other] = [case("One"), case("Other")];
    let one = suite.create_case(Uuid::now_v7(), &one).await.unwrap();
    let other = suite.create_case(Uuid::now_v7(), &other).await.unwrap();
    crm.write_note(&one.id, "Call", "They called.", &user).unwrap();
    crm.write_note(&other.id, "Else", "", &user).unwrap();
    let notes = suite.notes(&one.id).await.unwrap();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].title.as_str(), notes[0].body.as_str()), ("Call", "They called."));
    assert_eq!(notes[0].author, Some(user));
}

#[actix_web::test]
async fn changes_of_people_in_the_crm_are_found_by_window() {
    let (crm, suite) = start().await;
    let before = Utc::now();
    let created = suite.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    let note = crm.write_note(&created.id, "Call", "", "1").unwrap();
    let changes = suite.changed_since(before, Utc::now() + TimeDelta::seconds(5)).await.unwrap();
    assert_eq!(changes.cases, std::slice::from_ref(&created));
    assert_eq!(changes.notes.len(), 1);
    assert_eq!((&changes.notes[0].0, &changes.notes[0].1.id), (&created.id, &note));
    let much_later = Utc::now() + TimeDelta::minutes(30);
    let overlapping = suite.changed_since(changes.position.time, much_later).await.unwrap();
    assert_eq!(overlapping.cases.len(), 1, "windows overlap");
    let quiet = suite
        .changed_since(overlapping.position.time, much_later + TimeDelta::minutes(30))
        .await
        .unwrap();
    assert!(quiet.cases.is_empty() && quiet.notes.is_empty());
}

#[actix_web::test]
async fn the_watermark_stays_behind_the_present_and_never_goes_back() {
    let (_crm, suite) = start().await;
    let now = Utc::now();
    let caught_up = suite.changed_since(now - TimeDelta::minutes(1), now).await.unwrap();
    assert!(
        caught_up.position.time < now && caught_up.position.time > now - TimeDelta::seconds(10)
    );
    let future = now + TimeDelta::minutes(1);
    assert_eq!(suite.changed_since(future, now).await.unwrap().position.time, future);
    let long_ago = now - TimeDelta::days(3);
    let catching_up = suite.changed_since(long_ago, now).await.unwrap();
    assert_eq!(catching_up.position.time, long_ago + TimeDelta::hours(1));
}

#[actix_web::test]
async fn rows_that_move_while_pages_are_read_hide_no_other_row() {
    let (crm, suite) = start().await;
    let now = Utc::now();
    let stamp = (now - TimeDelta::minutes(10)).format("%Y-%m-%d %H:%M:%S").to_string();
    let ids: Vec<String> = (0..350)
        .map(|n| {
            crm.create(
                "Cases",
                json!({ "id": format!("case-{n:03}"), "name": "x", "date_modified": stamp }),
            )
        })
        .collect::<Result<_, _>>()
        .unwrap();
    crm.set_latency(Duration::from_millis(30));
    let edits = async {
        for id in &ids[..60] {
            tokio::time::sleep(Duration::from_millis(2)).await;
            crm.edit("Cases", id, json!({ "priority": "P1" }), "1").unwrap();
        }
    };
    let (changes, ()) = tokio::join!(suite.changed_since(now - TimeDelta::minutes(20), now), edits);
    let changes = changes.unwrap();
    let mut found: Vec<String> = changes.cases.into_iter().map(|case| case.id).collect();
    assert!(
        found.iter().filter(|id| ids[60..].contains(id)).count() == 290,
        "{} found",
        found.len()
    );
    let later = suite
        .changed_since(changes.position.time, Utc::now() + TimeDelta::seconds(5))
        .await
        .unwrap();
    found.extend(later.cases.into_iter().map(|case| case.id));
    found.sort();
    found.dedup();
    assert_eq!(found, ids);
}

#[actix_web::test]
async fn users_accounts_and_contacts_are_found_for_mapping() {
    let (crm, suite) = start().await;
    for n in 0..120 {
        let user = json!({ "user_name": format!("u{n}"), "first_name": "Ann", "last_name": "Lee", "email1": "ann@example.org" });
        crm.create("Users", user).unwrap();
    }
    let account = crm.create("Accounts", json!({ "name": "O'Neil & Co" })).unwrap();
    let contact = |email| json!({ "first_name": "Ann", "last_name": "D'Arc", "email1": email });
    let wanted = crm.create("Contacts", contact("Ann@example.org")).unwrap();
    crm.create("Contacts", contact("other@example.org")).unwrap();

    let first = suite.records(RecordKind::User, None, None).await.unwrap();
    let rest = suite.records(RecordKind::User, None, first.next.as_deref()).await.unwrap();
    assert_eq!((first.records.len(), rest.records.len(), rest.next), (100, 21, None));
    let users = [first.records, rest.records].concat();
    let ann = users.iter().find(|user| user.id != "1").unwrap();
    assert_eq!((ann.name.as_str(), ann.email.as_deref()), ("Ann Lee", Some("ann@example.org")));
    let found = suite.find_account_by_name("O'Neil & Co").await.unwrap();
    assert_eq!((found.len(), &found[0].id, &*found[0].name), (1, &account, "O'Neil & Co"));
    let found = suite.find_contact_by_email("D'Arc", "ann@EXAMPLE.org").await.unwrap();
    assert_eq!(found.iter().map(|contact| &contact.id).collect::<Vec<_>>(), [&wanted]);
    assert!(suite.find_account_by_name("Nobody").await.unwrap().is_empty());
}
