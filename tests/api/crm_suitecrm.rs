//! The SuiteCRM adapter against a CRM that behaves as the real one.
use std::time::Duration;

use casebridge::crm::CrmError;
use casebridge::crm::adapters::suitecrm::{FieldNames, Secret, SuiteCrm, SuiteCrmSettings};
use casebridge::crm::case::{Case, Field, NewNote, RemoteRecord, loss};
use chrono::{TimeDelta, Utc};
use fake_crm::{FakeCrm, Fault, FaultRule, Settings};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

const NASTY: &str = "email <bob@x>, vec<int>, &lt;b&gt; &amp; &#60;i>, 1 < 2, a<3, <!-- \"it's\" -->, <\u{200B}z 🙂";

fn settings(crm: &FakeCrm) -> SuiteCrmSettings {
    SuiteCrmSettings::new(crm.url(), crm.client_id(), Secret::new(crm.client_secret()))
}

async fn start() -> (FakeCrm, SuiteCrm) {
    let crm = FakeCrm::start().await.unwrap();
    let suite = SuiteCrm::new(settings(&crm)).unwrap();
    (crm, suite)
}

fn case(subject: &str) -> Case {
    Case::from_iter([
        (Field::Subject, subject),
        (Field::Description, "It does not start."),
        (Field::Type, "User"),
        (Field::Status, "Open/Open_Pending Input"),
        (Field::Priority, "P2"),
        (Field::Assignee, "1"),
        (Field::Account, ""),
    ])
}

fn note(body: &str) -> NewNote {
    NewNote { id: Uuid::now_v7(), title: "Reply".into(), body: body.into(), contact_id: None }
}

#[actix_web::test]
async fn a_created_case_is_read_back_as_it_was_sent() {
    let (_crm, suite) = start().await;
    let id = Uuid::now_v7();
    let created = suite.create_case(id, &case("Printer")).await.unwrap();
    assert_eq!(created.fields, case("Printer"));
    assert_eq!(created.id, id.to_string());
    assert_eq!(created.modified_by.as_deref(), Some("1"));
    assert_eq!(suite.read_case(&created.id).await.unwrap(), created);
}

#[actix_web::test]
async fn custom_fields_are_mirrored_where_they_are_configured() {
    let crm = FakeCrm::start().await.unwrap();
    let mut fields = FieldNames::default();
    fields.attributes.insert(Field::Number, "ticket_number_c".into());
    fields.attributes.insert(Field::Product, "product_c".into());
    let suite = SuiteCrm::new(SuiteCrmSettings { fields, ..settings(&crm) }).unwrap();
    let sent =
        Case::from_iter([(Field::Number, "T-7"), (Field::Product, "Lathe"), (Field::Link, "x")]);
    let created = suite.create_case(Uuid::now_v7(), &sent).await.unwrap();
    assert_eq!(created.fields.get(Field::Number), Some("T-7"));
    assert_eq!(created.fields.get(Field::Product), Some("Lathe"));
    assert_eq!(created.fields.get(Field::Link), None);
}

#[actix_web::test]
async fn a_field_that_the_crm_does_not_have_is_refused_with_its_name() {
    let crm = FakeCrm::start_with(Settings::stock()).await.unwrap();
    let mut fields = FieldNames::default();
    fields.attributes.insert(Field::Product, "product_c".into());
    let suite = SuiteCrm::new(SuiteCrmSettings { fields, ..settings(&crm) }).unwrap();
    let refused =
        suite.create_case(Uuid::now_v7(), &Case::from_iter([(Field::Product, "p")])).await;
    assert!(
        matches!(&refused, Err(CrmError::Permanent { detail }) if detail.contains("product_c")),
        "{refused:?}"
    );
}

#[actix_web::test]
async fn creating_a_case_or_a_note_twice_makes_one() {
    let (crm, suite) = start().await;
    let (id, note) = (Uuid::now_v7(), note("hello"));
    let first = suite.create_case(id, &case("Printer")).await.unwrap();
    assert_eq!(suite.create_case(id, &case("Printer")).await.unwrap(), first);
    let written = suite.create_note(&first.id, &note).await.unwrap();
    assert_eq!(suite.create_note(&first.id, &note).await.unwrap(), written);
    assert_eq!((crm.records("Cases").len(), crm.records("Notes").len()), (1, 1));
}

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
    let suite = SuiteCrm::new(SuiteCrmSettings { timeout, ..settings(&crm) }).unwrap();
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
async fn eight_creations_at_once_make_one_case() {
    let (crm, suite) = start().await;
    let (id, case) = (Uuid::now_v7(), case("Printer"));
    let created = join_all((0..8).map(|_| suite.create_case(id, &case))).await;
    assert!(created.iter().all(Result::is_ok), "{created:?}");
    assert_eq!(crm.records("Cases").len(), 1);
}

#[actix_web::test]
async fn a_case_or_note_deleted_in_the_crm_is_gone_and_not_made_again() {
    let (crm, suite) = start().await;
    let (id, note) = (Uuid::now_v7(), note("hello"));
    let created = suite.create_case(id, &case("Printer")).await.unwrap();
    let written = suite.create_note(&created.id, &note).await.unwrap();
    crm.delete("Notes", &written.id).unwrap();
    assert_eq!(suite.create_note(&created.id, &note).await, Err(CrmError::Gone));
    crm.delete("Cases", &created.id).unwrap();
    assert_eq!(suite.create_case(id, &case("Printer")).await, Err(CrmError::Gone));
    assert_eq!(suite.read_case(&created.id).await.unwrap_err().class(), "not_found");
    let change = Case::from_iter([(Field::Priority, "P1")]);
    assert_eq!(suite.update_case(&created.id, &change).await.unwrap_err().class(), "not_found");
}

#[actix_web::test]
async fn an_update_writes_the_changed_fields_only() {
    let (crm, suite) = start().await;
    let created = suite.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    crm.edit("Cases", &created.id, json!({ "priority": "P1" }), "1").unwrap();
    let change = Case::from_iter([(Field::Status, "Closed/Closed_Closed"), (Field::Assignee, "")]);
    let updated = suite.update_case(&created.id, &change).await.unwrap();
    let stored = crm.record("Cases", &created.id).unwrap();
    let values =
        ["state", "status", "assigned_user_id", "priority", "name"].map(|name| stored.value(name));
    assert_eq!(values, ["Closed", "Closed_Closed", "", "P1", "Printer"]);
    assert_eq!(updated.fields.get(Field::Status), Some("Closed/Closed_Closed"));
    assert_eq!(updated.fields.get(Field::Priority), Some("P1"));
}

#[actix_web::test]
async fn tags_entities_and_emoji_survive_in_subjects_descriptions_and_notes() {
    let (crm, suite) = start().await;
    let text = format!("  indented\r\n{NASTY}\n");
    let mut sent = case(&format!(" {NASTY}\t"));
    sent.set(Field::Description, &*text);
    let created = suite.create_case(Uuid::now_v7(), &sent).await.unwrap();
    assert_eq!(created.fields, suite.normal_form(&sent));
    assert_eq!(created.fields.get(Field::Subject), Some(NASTY));
    assert_eq!(created.fields.get(Field::Description), Some(&*format!("  indented\n{NASTY}")));
    let written = suite
        .create_note(&created.id, &NewNote { title: NASTY.into(), ..note(&text) })
        .await
        .unwrap();
    assert_eq!((written.title.as_str(), written.body), (NASTY, format!("  indented\n{NASTY}")));
    let stored = crm.record("Cases", &created.id).unwrap();
    assert!(stored.value("name").replace('\u{200B}', "").starts_with("email <bob@x>, vec<int>"));
}

#[actix_web::test]
async fn what_the_crm_cannot_hold_is_reported_as_a_loss() {
    let crm = FakeCrm::start_with(Settings { utf8mb3: true, ..Settings::default() }).await.unwrap();
    let suite = SuiteCrm::new(settings(&crm)).unwrap();
    let (long, emoji) = ("é".repeat(40_000), "all fine 🙂!");
    let mut sent = case(emoji);
    sent.set(Field::Description, &*long);
    let created = suite.create_case(Uuid::now_v7(), &sent).await.unwrap();
    let kept = created.fields.get(Field::Description).unwrap();
    assert_eq!(kept, "é".repeat(32_767));
    assert!(loss(&long, kept).is_some());
    assert_eq!(loss(emoji, created.fields.get(Field::Subject).unwrap()).unwrap().got, "all fine !");
}

#[actix_web::test]
async fn contacts_are_related_once_and_listed() {
    let (crm, suite) = start().await;
    let created = suite.create_case(Uuid::now_v7(), &case("Printer")).await.unwrap();
    assert_eq!(suite.related_contacts(&created.id).await.unwrap(), Vec::<String>::new());
    let contact = crm.create("Contacts", json!({ "last_name": "Miller" })).unwrap();
    for _ in 0..2 {
        suite.relate_contact(&created.id, &contact).await.unwrap();
    }
    assert_eq!(suite.related_contacts(&created.id).await.unwrap(), [contact]);
    let unknown = suite.relate_contact(&created.id, "nobody").await;
    assert_eq!(unknown.unwrap_err().class(), "not_found");
}

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
    assert_eq!(changes.cases, [created.clone()]);
    assert_eq!(changes.notes.len(), 1);
    assert_eq!((&changes.notes[0].0, &changes.notes[0].1.id), (&created.id, &note));
    let much_later = Utc::now() + TimeDelta::minutes(30);
    let overlapping = suite.changed_since(changes.watermark, much_later).await.unwrap();
    assert_eq!(overlapping.cases.len(), 1, "windows overlap");
    let quiet = suite
        .changed_since(overlapping.watermark, much_later + TimeDelta::minutes(30))
        .await
        .unwrap();
    assert!(quiet.cases.is_empty() && quiet.notes.is_empty());
}

#[actix_web::test]
async fn the_watermark_stays_behind_the_present_and_never_goes_back() {
    let (_crm, suite) = start().await;
    let now = Utc::now();
    let caught_up = suite.changed_since(now - TimeDelta::minutes(1), now).await.unwrap();
    assert!(caught_up.watermark < now && caught_up.watermark > now - TimeDelta::seconds(10));
    let future = now + TimeDelta::minutes(1);
    assert_eq!(suite.changed_since(future, now).await.unwrap().watermark, future);
    let long_ago = now - TimeDelta::days(3);
    let catching_up = suite.changed_since(long_ago, now).await.unwrap();
    assert_eq!(catching_up.watermark, long_ago + TimeDelta::hours(1));
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
    let later =
        suite.changed_since(changes.watermark, Utc::now() + TimeDelta::seconds(5)).await.unwrap();
    found.extend(later.cases.into_iter().map(|case| case.id));
    found.sort();
    found.dedup();
    assert_eq!(found, ids);
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
    let wrong = SuiteCrmSettings { client_secret: Secret::new("hunter2"), ..settings(&crm) };
    let refused = SuiteCrm::new(wrong).unwrap().users().await.unwrap_err();
    assert_eq!(refused.class(), "auth");
    assert!(!format!("{refused:?} {refused}").contains("hunter2"));
    let denied = SuiteCrm::new(settings(&crm)).unwrap();
    crm.fail(FaultRule::next(Fault::AccessDenied).method("GET").times(2));
    assert_eq!(denied.users().await.unwrap_err().class(), "auth");
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
        let failure = suite.users().await.unwrap_err();
        assert_eq!(failure.class(), expected, "{fault:?}: {failure}");
        if let CrmError::Throttled { retry_after } = failure {
            assert_eq!(retry_after, wait);
        }
    }
    let url = crm.url();
    drop(crm);
    let nobody =
        SuiteCrm::new(SuiteCrmSettings::new(url, "client", Secret::new("hunter2"))).unwrap();
    assert_eq!(nobody.users().await.unwrap_err().class(), "transient");
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

    let users = suite.users().await.unwrap();
    assert_eq!(users.len(), 121);
    let ann = users.iter().find(|user| user.id != "1").unwrap();
    assert_eq!((ann.name.as_str(), ann.email.as_deref()), ("Ann Lee", Some("ann@example.org")));
    let found = suite.find_account_by_name("O'Neil & Co").await.unwrap();
    assert_eq!(found, [RemoteRecord { id: account, name: "O'Neil & Co".into(), email: None }]);
    let found = suite.find_contact_by_email("D'Arc", "ann@EXAMPLE.org").await.unwrap();
    assert_eq!(found.iter().map(|contact| &contact.id).collect::<Vec<_>>(), [&wanted]);
    assert!(suite.find_account_by_name("Nobody").await.unwrap().is_empty());
}

fn sign_ins(crm: &FakeCrm) -> usize {
    crm.calls().iter().filter(|call| call.path.ends_with("/access_token")).count()
}
