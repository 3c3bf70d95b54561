//! Scenarios that need nothing but the adapter. Each takes away what it made, as far as an adapter can.
use std::collections::HashSet;

use casebridge::crm::adapters::Position;
use casebridge::crm::case::{Case, Field, NewNote, RecordKind, RemoteCase, loss};
use casebridge::kernel::Priority;
use chrono::{TimeDelta, Utc};
use uuid::Uuid;

use super::bench::{Subject, note};

const DIFFICULT: &str =
    "email <bob@x>, vec<int> = 3, &lt;b&gt; &amp; 1 < 2, a<3, <!-- \"it's\" -->, \u{e9}\u{1f642}";

async fn create(subject: &Subject, name: &str) -> RemoteCase {
    subject.adapter.create_case(Uuid::now_v7(), &subject.case(name)).await.unwrap()
}

async fn remove(subject: &Subject, case: &str) {
    for note in subject.adapter.notes(case).await.unwrap() {
        subject.adapter.delete_note(&note.id).await.unwrap();
    }
    subject.adapter.delete_case(case).await.unwrap();
}

pub async fn a_case_comes_back_as_it_was_sent(subject: &Subject) {
    let crm = &subject.adapter;
    let created = create(subject, "Comes back").await;
    assert_eq!(created.fields, subject.case("Comes back"));
    assert!(crm.case_url(&created.id).contains(&created.id), "{}", crm.case_url(&created.id));
    let read = crm.read_case(&created.id).await.unwrap();
    assert_eq!((&read.fields, &read.version), (&created.fields, &created.version));
    assert_eq!(read.version.is_some(), subject.kind.capabilities.version_lock);
    remove(subject, &created.id).await;
}

pub async fn creating_a_case_twice_makes_one(subject: &Subject) {
    let (key, case) = (Uuid::now_v7(), subject.case("Twice"));
    let first = subject.adapter.create_case(key, &case).await.unwrap();
    let second = subject.adapter.create_case(key, &case).await.unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(first.id == key.to_string(), subject.kind.capabilities.client_ids);
    remove(subject, &first.id).await;
}

pub async fn an_update_leaves_the_other_fields_alone(subject: &Subject) {
    let created = create(subject, "Updated").await;
    let high = subject.priority(Priority::High);
    let change = Case::from_iter([(Field::Priority, high)]);
    let updated = subject.adapter.update_case(&created, &change).await.unwrap();
    let mut expected = subject.case("Updated");
    expected.set(Field::Priority, high);
    assert_eq!(updated.fields, expected);
    let read = subject.adapter.read_case(&created.id).await.unwrap();
    assert_eq!((&read.fields, &read.version), (&expected, &updated.version));
    remove(subject, &created.id).await;
}

pub async fn a_note_written_twice_is_one_note(subject: &Subject) {
    let case = create(subject, "With a note").await;
    let (one, other) = (note("Once."), note("Once."));
    let first = subject.adapter.create_note(&case.id, &one).await.unwrap();
    let again = subject.adapter.create_note(&case.id, &one).await.unwrap();
    assert_eq!(again.id, first.id);
    // The same words in another note are another note.
    let second = subject.adapter.create_note(&case.id, &other).await.unwrap();
    assert_ne!(second.id, first.id);
    let notes = subject.adapter.notes(&case.id).await.unwrap();
    let ids: HashSet<&String> = notes.iter().map(|note| &note.id).collect();
    assert_eq!(ids, HashSet::from([&first.id, &second.id]));
    remove(subject, &case.id).await;
}

pub async fn difficult_text_comes_back_or_is_reported_as_a_loss(subject: &Subject) {
    let crm = &subject.adapter;
    let mut sent = subject.case(DIFFICULT);
    sent.set(Field::Description, format!("{DIFFICULT}\n\n  indented\n{DIFFICULT}"));
    let sent = crm.normal_form(&sent);
    let case = crm.create_case(Uuid::now_v7(), &sent).await.unwrap();
    for field in [Field::Subject, Field::Description] {
        let (ours, theirs) = (sent.get(field).unwrap(), case.fields.get(field).unwrap());
        assert!(ours == theirs || loss(ours, theirs).is_some(), "{field}: {ours:?} is {theirs:?}");
    }
    let new = NewNote { title: DIFFICULT.into(), ..note(DIFFICULT) };
    crm.create_note(&case.id, &new).await.unwrap();
    let notes = crm.notes(&case.id).await.unwrap();
    let text = [notes[0].title.as_str(), &notes[0].body].join("\n\n");
    let expected = format!("{DIFFICULT}\n\n{DIFFICULT}");
    assert!(text.trim() == expected || loss(&expected, &text).is_some(), "{text:?}");
    remove(subject, &case.id).await;
}

pub async fn a_case_that_is_not_there_is_not_found(subject: &Subject) {
    let case = create(subject, "Not there").await;
    let other = RemoteCase { id: Uuid::now_v7().to_string(), ..case.clone() };
    let read = subject.adapter.read_case(&other.id).await.unwrap_err();
    assert_eq!(read.class(), "not_found", "{read}");
    let change = Case::from_iter([(Field::Priority, subject.priority(Priority::High))]);
    let update = subject.adapter.update_case(&other, &change).await.unwrap_err();
    assert_eq!(update.class(), "not_found", "{update}");
    assert_eq!(subject.adapter.account(&other.id).await.unwrap(), None);
    remove(subject, &case.id).await;
}

pub async fn a_deleted_case_is_not_found(subject: &Subject) {
    let case = create(subject, "Deleted").await;
    subject.adapter.delete_case(&case.id).await.unwrap();
    let read = subject.adapter.read_case(&case.id).await.unwrap_err();
    assert!(matches!(read.class(), "not_found" | "gone"), "{read}");
}

pub async fn wrong_credentials_are_a_failure_of_the_connection(subject: &Subject) {
    subject.adapter.sign_in().await.unwrap();
    let crm = &subject.refused;
    let failures = [
        crm.sign_in().await.unwrap_err(),
        crm.read_case("1").await.unwrap_err(),
        crm.create_case(Uuid::now_v7(), &subject.case("Never made")).await.unwrap_err(),
    ];
    for failure in failures {
        assert_eq!(failure.class(), "auth", "{failure}");
        assert!(!format!("{failure:?}").contains("certainly not the secret"));
    }
}

pub async fn records_are_read_without_repetition(subject: &Subject) {
    for kind in [RecordKind::User, RecordKind::Account, RecordKind::Contact] {
        let (mut ids, mut after) = (HashSet::new(), None);
        loop {
            let page = subject.adapter.records(kind, None, after.as_deref()).await.unwrap();
            for record in page.records {
                assert!(ids.insert(record.id.clone()), "{kind} {} comes twice", record.id);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        // Whoever reads is somebody.
        assert!(kind != RecordKind::User || !ids.is_empty());
    }
}

pub async fn a_new_case_is_among_the_changes(subject: &Subject) {
    let begin = Position { time: Utc::now() - TimeDelta::minutes(1), cursor: None };
    let case = create(subject, "News").await;
    let now = Utc::now() + TimeDelta::seconds(5);
    let changes = subject.adapter.changed_since(&begin, now).await.unwrap();
    let seen = changes.cases.iter().find(|seen| seen.id == case.id).unwrap();
    assert_eq!(seen.fields, case.fields);
    assert!(changes.position.time > begin.time && changes.position.time < now);
    // What was read is read again for a while, and where to go on never goes back.
    let again = subject.adapter.changed_since(&changes.position, now).await.unwrap();
    assert!(again.position.time >= changes.position.time);
    remove(subject, &case.id).await;
}
