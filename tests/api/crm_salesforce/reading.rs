//! Changes and people as they are read.
use casebridge::crm::adapters::salesforce::Salesforce;
use casebridge::crm::adapters::{Adapter as _, Changes, Position};
use casebridge::crm::case::RecordKind;
use chrono::{DateTime, TimeDelta, Utc};
use fake_crm::salesforce::{FakeSalesforce, Settings};
use fake_crm::{Fault, FaultRule};
use serde_json::json;

use super::{access, made, note, start};

fn at(time: DateTime<Utc>) -> Position {
    Position { time, cursor: None }
}

/// Later than any answer, and in a later minute of the log of deletions; windows overlap by more.
const A_LITTLE: TimeDelta = TimeDelta::seconds(65);

/// What changed in the last half hour, seen from a little later.
async fn recent(sales: &Salesforce) -> Changes {
    let now = Utc::now();
    sales.changed_since(&at(now - TimeDelta::minutes(30)), now + A_LITTLE).await.unwrap()
}

#[actix_web::test]
async fn changes_are_found_by_window_and_windows_overlap() {
    let (crm, sales) = start().await;
    let clerk = crm.create("User", json!({"LastName": "Clerk"})).unwrap();
    let before = Utc::now() - TimeDelta::seconds(1);
    let created = made(&sales, "Printer").await;
    let comment = crm.write_comment(&created.id, "Called.", &clerk).unwrap();
    let later = Utc::now() + A_LITTLE;
    let changes = sales.changed_since(&at(before), later).await.unwrap();
    assert_eq!(changes.cases, std::slice::from_ref(&created));
    let notes: Vec<_> = changes.notes.iter().map(|(case, note)| (case, &note.id)).collect();
    assert_eq!(notes, [(&created.id, &comment)]);
    let again =
        sales.changed_since(&changes.position, later + TimeDelta::seconds(30)).await.unwrap();
    assert_eq!(again.cases.len(), 1, "windows overlap");
    let quiet = at(again.position.time + TimeDelta::minutes(5));
    let quiet = sales.changed_since(&quiet, later + TimeDelta::minutes(30)).await.unwrap();
    assert!(quiet.cases.is_empty() && quiet.notes.is_empty());
}

#[actix_web::test]
async fn the_position_stays_behind_the_present_never_goes_back_and_catches_up_by_the_hour() {
    let (_crm, sales) = start().await;
    let now = Utc::now();
    let caught_up = sales.changed_since(&at(now - TimeDelta::minutes(1)), now).await.unwrap();
    let time = caught_up.position.time;
    assert!(time < now && time > now - TimeDelta::seconds(10));
    let future = at(now + TimeDelta::minutes(1));
    assert_eq!(sales.changed_since(&future, now).await.unwrap().position.time, future.time);
    let long_ago = now - TimeDelta::days(3);
    let catching_up = sales.changed_since(&at(long_ago), now).await.unwrap();
    assert_eq!(catching_up.position.time, long_ago + TimeDelta::hours(1));
}

#[actix_web::test]
async fn cases_with_equal_stamps_are_all_found_although_pages_end_among_them() {
    // Answers are cut short, as those with large records are, and the last page is full.
    let settings = Settings { query_batch: 150, ..Settings::default() };
    let crm = FakeSalesforce::start_with(settings).await.unwrap();
    let sales = Salesforce::new(access(&crm)).unwrap();
    let create = |n: usize| crm.create("Case", json!({"Subject": format!("{n}")})).unwrap();
    let ids: Vec<String> = (0..2300).map(create).collect();
    let stamps: std::collections::BTreeSet<_> =
        crm.records("Case").iter().map(|case| case.value("SystemModstamp").to_owned()).collect();
    assert!(stamps.len() < 5, "{stamps:?}");
    let mut found: Vec<String> =
        recent(&sales).await.cases.into_iter().map(|case| case.id).collect();
    found.sort();
    assert_eq!(found, ids);
}

#[actix_web::test]
async fn deleted_cases_show_at_once_and_those_that_left_the_recycle_bin_by_the_log() {
    let (crm, sales) = start().await;
    let [kept, binned, purged] =
        [made(&sales, "a").await.id, made(&sales, "b").await.id, made(&sales, "c").await.id];
    crm.set_clock_offset(-TimeDelta::minutes(10));
    crm.delete("Case", &purged).unwrap();
    crm.purge();
    crm.set_clock_offset(TimeDelta::zero());
    crm.delete("Case", &binned).unwrap();
    let changes = recent(&sales).await;
    assert_eq!(changes.cases.iter().map(|case| &case.id).collect::<Vec<_>>(), [&kept]);
    assert_eq!(changes.deleted, [binned.clone(), purged.clone()]);
    crm.clear_calls();
    // The log is not read again at every look.
    let soon = Utc::now() + A_LITTLE + TimeDelta::seconds(30);
    let next = sales.changed_since(&changes.position, soon).await.unwrap();
    assert_eq!(next.deleted, [binned]);
    assert!(!crm.calls().iter().any(|call| call.path.contains("/deleted/")));
    assert_eq!(next.position.cursor, changes.position.cursor);
    crm.set_clock_offset(TimeDelta::minutes(9));
    let later = sales.changed_since(&next.position, soon + TimeDelta::minutes(8)).await.unwrap();
    assert!(crm.calls().iter().any(|call| call.path.contains("/deleted/")));
    assert!(later.position.cursor > changes.position.cursor);
}

#[actix_web::test]
async fn a_note_of_several_comments_is_one_change() {
    let (_crm, sales) = start().await;
    let case = made(&sales, "Printer").await.id;
    let written = sales.create_note(&case, &note(&"word ".repeat(2000))).await.unwrap();
    let changed: Vec<_> = recent(&sales).await.notes.into_iter().map(|(_, note)| note.id).collect();
    assert_eq!(changed, [written.id]);
}

#[actix_web::test]
async fn a_name_that_is_a_query_finds_only_its_own_account() {
    let (crm, sales) = start().await;
    let names =
        ["x' OR Name LIKE '%", r"O\'Neil & Co", r"back\slash\", "50% off_", "line\nbreak", "Plain"];
    let ids = names.map(|name| crm.create("Account", json!({"Name": name})).unwrap());
    for (name, id) in names.iter().zip(&ids) {
        let found = sales.find_account_by_name(name).await.unwrap();
        assert_eq!(found.iter().map(|account| &account.id).collect::<Vec<_>>(), [id], "{name}");
    }
    let capitals = sales.find_account_by_name("PLAIN").await.unwrap();
    assert_eq!(capitals.len(), 1);
    assert_eq!(sales.account(&ids[5]).await.unwrap().unwrap().name, "Plain");
    assert_eq!(sales.account("x' OR Id != '").await.unwrap(), None);
    let by_address = sales.find_contact_by_email("", "' OR Id != '").await.unwrap();
    assert!(by_address.is_empty());
}

#[actix_web::test]
async fn people_companies_and_products_are_listed_along_their_ids_and_since_a_time() {
    let settings = Settings { query_batch: 50, ..Settings::default() };
    let crm = FakeSalesforce::start_with(settings).await.unwrap();
    let sales = Salesforce::new(access(&crm)).unwrap();
    crm.set_clock_offset(-TimeDelta::hours(1));
    let account = crm.create("Account", json!({"Name": "Northwind", "Phone": "1"})).unwrap();
    for n in 0..120 {
        let contact = json!({"FirstName": "Ann", "LastName": format!("Lee {n}"), "Email": "ann@example.org",
            "AccountId": account});
        crm.create("Contact", contact).unwrap();
    }
    let gone = json!({"LastName": "Gone", "IsActive": false, "Email": "gone@example.org"});
    let gone = crm.create("User", gone).unwrap();
    crm.create("User", json!({"LastName": "Robot", "UserType": "AutomatedProcess"})).unwrap();
    crm.create("Product2", json!({"Name": "Lathe"})).unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = sales.records(RecordKind::Contact, None, after.as_deref()).await.unwrap();
        seen.extend(page.records);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 120);
    assert_eq!((seen[7].name.as_str(), seen[7].account_id.as_ref()), ("Ann Lee 7", Some(&account)));
    let users = sales.records(RecordKind::User, None, None).await.unwrap().records;
    assert_eq!(users.len(), 3);
    assert!(!users.iter().find(|user| user.id == gone).unwrap().active);
    crm.set_clock_offset(TimeDelta::zero());
    let since = Some(Utc::now() - TimeDelta::minutes(5));
    assert!(sales.records(RecordKind::Product, since, None).await.unwrap().records.is_empty());
    crm.edit("Account", &account, json!({"Phone": "2"}), &gone).unwrap();
    let changed = sales.records(RecordKind::Account, since, None).await.unwrap().records;
    assert_eq!(changed[0].phone.as_deref(), Some("2"));
}

#[actix_web::test]
async fn a_mass_update_is_read_in_parts_and_whole() {
    let (crm, sales) = start().await;
    let mut ids = std::collections::BTreeSet::new();
    for moment in 0..110 {
        crm.set_clock_offset(TimeDelta::seconds(moment * 10 - 1500));
        ids.extend((0..100).map(|_| crm.create("Case", json!({"Subject": "a"})).unwrap()));
    }
    crm.set_clock_offset(TimeDelta::zero());
    let now = Utc::now();
    let mut position = at(now - TimeDelta::minutes(30));
    let mut parts = Vec::new();
    while now - position.time > TimeDelta::seconds(30) {
        let changes = sales.changed_since(&position, now).await.unwrap();
        assert!(changes.position.time > position.time);
        parts.push(changes.cases.len());
        for case in changes.cases {
            ids.remove(&case.id);
        }
        position = changes.position;
    }
    assert_eq!(parts[0], 10_000);
    assert!(parts.len() > 1 && ids.is_empty(), "{parts:?}, {} missing", ids.len());
}

#[actix_web::test]
async fn changes_are_read_although_the_log_of_deletions_is_not_there() {
    let (crm, sales) = start().await;
    made(&sales, "Printer").await;
    crm.fail(FaultRule::next(Fault::ServerError).path("/deleted/"));
    let now = Utc::now();
    let from = at(now - TimeDelta::minutes(30));
    let outage = sales.changed_since(&from, now).await.unwrap_err();
    assert_eq!(outage.class(), "transient");
    // Far ahead of the organization's clock: the log refuses the window.
    crm.set_clock_offset(TimeDelta::days(20));
    let changes = sales.changed_since(&from, now + A_LITTLE).await.unwrap();
    assert_eq!((changes.cases.len(), changes.deleted.len()), (1, 0));
}
