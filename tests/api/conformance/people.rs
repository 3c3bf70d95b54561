//! Scenarios in which somebody works in the CRM, or something fails.
use std::collections::BTreeSet;
use std::time::Duration;

use casebridge::crm::CrmError;
use casebridge::crm::adapters::{Changes, Position};
use casebridge::crm::case::{Case, Field, NewLead, RecordKind, RemoteCase};
use casebridge::kernel::Priority;
use chrono::{TimeDelta, Utc};
use fake_crm::Fault;
use uuid::Uuid;

use super::bench::{Bench, Call, note};

async fn create(bench: &dyn Bench, name: &str) -> RemoteCase {
    let subject = bench.subject();
    subject.adapter.create_case(Uuid::now_v7(), &subject.case(name)).await.unwrap()
}

/// Everything of the last minutes.
async fn changes(bench: &dyn Bench) -> Changes {
    let begin = Position { time: Utc::now() - TimeDelta::minutes(5), cursor: None };
    let now = Utc::now() + TimeDelta::seconds(5);
    bench.subject().adapter.changed_since(&begin, now).await.unwrap()
}

fn change(bench: &dyn Bench, priority: Priority) -> Case {
    Case::from_iter([(Field::Priority, bench.subject().priority(priority))])
}

pub async fn a_lost_answer_to_a_creation_makes_no_second_case(bench: &dyn Bench) {
    let subject = bench.subject();
    let (key, case) = (Uuid::now_v7(), subject.case("Lost answer"));
    bench.fail(Call::CreateCase, Fault::DropAfter);
    let lost = subject.adapter.create_case(key, &case).await.unwrap_err();
    assert_eq!((lost.class(), bench.cases()), ("transient", 1));
    let found = subject.adapter.create_case(key, &case).await.unwrap();
    assert_eq!((found.fields, bench.cases()), (case, 1));
}

pub async fn a_lost_answer_to_a_note_makes_no_second_note(bench: &dyn Bench) {
    let case = create(bench, "Lost answer").await;
    let (crm, note) = (&bench.subject().adapter, note("Once."));
    for (fault, written) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        bench.fail(Call::CreateNote, fault);
        let lost = crm.create_note(&case.id, &note).await.unwrap_err();
        assert_eq!((lost.class(), bench.notes(&case.id)), ("transient", written), "{fault:?}");
    }
    crm.create_note(&case.id, &note).await.unwrap();
    assert_eq!(bench.notes(&case.id), 1);
}

pub async fn an_update_sends_only_what_differs(bench: &dyn Bench) {
    let case = create(bench, "Only what differs").await;
    let change = change(bench, Priority::High);
    bench.subject().adapter.update_case(&case, &change).await.unwrap();
    let sent = bench.updates();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].values().collect::<Vec<_>>(), [bench.subject().priority(Priority::High)]);
}

pub async fn an_edit_by_a_person_is_seen_with_who_made_it(bench: &dyn Bench) {
    let case = create(bench, "Edited").await;
    let urgent = bench.subject().priority(Priority::High);
    bench.edit(&case.id, Field::Priority, urgent);
    let seen = changes(bench).await;
    let seen = seen.cases.iter().find(|seen| seen.id == case.id).unwrap();
    assert_eq!(seen.fields.get(Field::Priority), Some(urgent));
    assert_eq!(seen.modified_by.as_deref(), Some(bench.person()));
    let read = bench.subject().adapter.read_case(&case.id).await.unwrap();
    assert_eq!(read.modified_by.as_deref(), Some(bench.person()));
}

pub async fn a_note_by_a_person_is_seen_with_who_wrote_it(bench: &dyn Bench) {
    let case = create(bench, "Noted").await;
    let id = bench.write_note(&case.id, "They called again.");
    let seen = changes(bench).await;
    let (of, note) = seen.notes.iter().find(|(_, note)| note.id == id).unwrap();
    assert_eq!((of, note.author.as_deref()), (&case.id, Some(bench.person())));
    let notes = bench.subject().adapter.notes(&case.id).await.unwrap();
    assert_eq!(notes, std::slice::from_ref(note));
    assert_eq!(note.body, "They called again.");
}

pub async fn rows_that_move_while_pages_are_read_hide_no_other_row(bench: &dyn Bench) {
    bench.set_clock_offset(TimeDelta::minutes(-10));
    let ids: Vec<String> = (0..450).map(|n| bench.open(&format!("Case {n}"))).collect();
    bench.set_clock_offset(TimeDelta::zero());
    bench.set_latency(Duration::from_millis(30));
    let high = bench.subject().priority(Priority::High);
    let edits = async {
        for id in &ids[..60] {
            tokio::time::sleep(Duration::from_millis(2)).await;
            bench.edit(id, Field::Priority, high);
        }
    };
    let begin = Position { time: Utc::now() - TimeDelta::minutes(20), cursor: None };
    let crm = &bench.subject().adapter;
    let (first, ()) = tokio::join!(crm.changed_since(&begin, Utc::now()), edits);
    let first = first.unwrap();
    let found: BTreeSet<&String> = first.cases.iter().map(|case| &case.id).collect();
    assert!(ids[60..].iter().all(|id| found.contains(id)), "{} found", found.len());
    let later = Utc::now() + TimeDelta::seconds(5);
    let second = crm.changed_since(&first.position, later).await.unwrap();
    let moved = |id: &String| second.cases.iter().any(|case| case.id == *id);
    assert!(ids[..60].iter().all(moved));
}

pub async fn two_edits_at_the_same_time_lose_nothing(bench: &dyn Bench) {
    let seen = create(bench, "Race").await;
    let (crm, subject) = (&bench.subject().adapter, bench.subject());
    let mine = change(bench, Priority::High);
    if subject.kind.capabilities.version_lock {
        // The same field: who has not seen the other's value does not write over it.
        let low = subject.priority(Priority::Low);
        bench.edit(&seen.id, Field::Priority, low);
        assert_eq!(crm.update_case(&seen, &mine).await.unwrap_err(), CrmError::Stale);
        let now = crm.read_case(&seen.id).await.unwrap();
        assert_eq!(now.fields.get(Field::Priority), Some(low));
        crm.update_case(&now, &mine).await.unwrap();
    } else {
        // Another field: what is not sent is not written.
        bench.edit(&seen.id, Field::Description, "Changed there.");
        crm.update_case(&seen, &mine).await.unwrap();
        let now = crm.read_case(&seen.id).await.unwrap();
        assert_eq!(now.fields.get(Field::Description), Some("Changed there."));
    }
    let now = crm.read_case(&seen.id).await.unwrap();
    assert_eq!(now.fields.get(Field::Priority), Some(subject.priority(Priority::High)));
}

pub async fn a_case_deleted_by_a_person_is_told(bench: &dyn Bench) {
    let case = create(bench, "Deleted there").await;
    bench.delete(&case.id);
    let (crm, subject) = (&bench.subject().adapter, bench.subject());
    let told = [
        crm.read_case(&case.id).await.unwrap_err(),
        crm.update_case(&case, &change(bench, Priority::High)).await.unwrap_err(),
    ];
    assert!(told.iter().all(|told| matches!(told.class(), "not_found" | "gone")), "{told:?}");
    let shown = changes(bench).await;
    assert_eq!(shown.deleted.contains(&case.id), subject.kind.capabilities.deletions);
}

pub async fn contacts_are_related_and_unrelated_any_number_of_times(bench: &dyn Bench) {
    let case = create(bench, "Contacts").await.id;
    let crm = &bench.subject().adapter;
    let one = bench.contact("Miller", "m@customer.example");
    let other = bench.contact("Meier", "e@customer.example");
    assert_eq!(crm.related_contacts(&case).await.unwrap(), Vec::<String>::new());
    for contact in [&one, &one, &other] {
        crm.relate_contact(&case, contact).await.unwrap();
    }
    let related: BTreeSet<String> =
        crm.related_contacts(&case).await.unwrap().into_iter().collect();
    // The last one takes the place of the one before where there is room for one only.
    let mut expected = BTreeSet::from([one.clone(), other.clone()]);
    if bench.contacts_of_a_case() == 1 {
        expected.remove(&one);
    }
    assert_eq!(related, expected);
    for _ in 0..2 {
        crm.unrelate_contact(&case, &one).await.unwrap();
    }
    assert_eq!(crm.related_contacts(&case).await.unwrap(), [other]);
    let unknown = crm.relate_contact(&case, &Uuid::now_v7().to_string()).await.unwrap_err();
    assert_eq!(unknown.class(), "not_found", "{unknown}");
}

pub async fn people_and_companies_are_found(bench: &dyn Bench) {
    let crm = &bench.subject().adapter;
    let contact = bench.contact("D'Arc", "Joan@customer.example");
    bench.contact("D'Arc", "other@customer.example");
    let found = crm.find_contact_by_email("D'Arc", "joan@customer.example").await.unwrap();
    assert_eq!(found.iter().map(|found| &found.id).collect::<Vec<_>>(), [&contact]);
    let accounts = [bench.account("O'Neil & Co"), bench.account("O'Neil & Co")];
    let found = crm.find_account_by_name("O'Neil & Co").await.unwrap();
    assert_eq!(found.len(), 2, "two of a name are two");
    assert!(found.iter().all(|found| accounts.contains(&found.id) && found.name == "O'Neil & Co"));
    assert_eq!(crm.account(&accounts[0]).await.unwrap().unwrap().name, "O'Neil & Co");
    assert!(crm.find_account_by_name("Nobody").await.unwrap().is_empty());
}

pub async fn many_records_are_read_to_the_end(bench: &dyn Bench) {
    let made: BTreeSet<String> = (0..420).map(|n| bench.account(&format!("Account {n}"))).collect();
    let (mut read, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let crm = &bench.subject().adapter;
        let page = crm.records(RecordKind::Account, None, after.as_deref()).await.unwrap();
        read.extend(page.records.into_iter().map(|record| record.id));
        (after, pages) = (page.next, pages + 1);
        if after.is_none() {
            break;
        }
    }
    assert!(pages > 1 && read.len() == made.len(), "{pages} pages, {} rows", read.len());
    assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), made);
    let later = Utc::now() + TimeDelta::hours(1);
    let none = bench.subject().adapter.records(RecordKind::Account, Some(later), None).await;
    assert!(none.unwrap().records.is_empty());
}

pub async fn throttling_says_how_long_to_wait(bench: &dyn Bench) {
    let case = create(bench, "Throttled").await.id;
    let wait = Some(Duration::from_secs(7));
    let faults = [Fault::TooManyRequests { retry_after: 7 }, Fault::Unavailable { retry_after: 7 }];
    for fault in faults {
        bench.fail(Call::ReadCase, fault);
        let failure = bench.subject().adapter.read_case(&case).await.unwrap_err();
        assert_eq!(failure, CrmError::Throttled { retry_after: wait }, "{fault:?}");
    }
}

pub async fn an_outage_passes(bench: &dyn Bench) {
    let case = create(bench, "Outage").await.id;
    for fault in [Fault::ServerError, Fault::DropBefore, Fault::DropAfter] {
        bench.fail(Call::ReadCase, fault);
        let failure = bench.subject().adapter.read_case(&case).await.unwrap_err();
        assert_eq!(failure.class(), "transient", "{fault:?}: {failure}");
    }
    bench.subject().adapter.read_case(&case).await.unwrap();
}

pub async fn credentials_that_were_taken_away_are_a_failure_of_the_connection(bench: &dyn Bench) {
    let case = create(bench, "Taken away").await.id;
    bench.take_credentials_away();
    let failure = bench.subject().adapter.read_case(&case).await.unwrap_err();
    assert_eq!(failure.class(), "auth", "{failure}");
}

pub async fn a_lead_created_twice_is_one_lead(bench: &dyn Bench) {
    let lead = NewLead {
        first_name: "Ann".into(),
        last_name: "Lee <Ltd>".into(),
        email: "ann@customer.example".into(),
        phone: String::new(),
        company: "Lee & Sons".into(),
        description: "Wants <b>more</b>.".into(),
    };
    let (crm, key) = (&bench.subject().adapter, Uuid::now_v7());
    let id = crm.create_lead(key, &lead).await.unwrap();
    assert_eq!(crm.create_lead(key, &lead).await.unwrap(), id);
    assert_eq!(bench.leads(), 1);
    // The same person may ask again.
    assert_ne!(crm.create_lead(Uuid::now_v7(), &lead).await.unwrap(), id);
}
