use super::*;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn person(email: &str, account: Option<&str>) -> Record {
    Record {
        remote_id: "r".into(),
        values: Base {
            name: "Purchasing contact".into(),
            email: Some(email.into()).filter(|email: &String| !email.is_empty()),
            phone: Some("+43 1".into()),
            account_id: account.map(str::to_owned),
        },
        key: Some(email.to_lowercase()),
        active: true,
        ..Record::default()
    }
}

/// The desk has one contact, of the account that the CRM calls `a`.
fn desk() -> Desk {
    let contact = Local {
        name: "Purchasing contact".into(),
        email: Some("p@x.example".into()),
        account_ids: vec![id(1)],
        ..Local::default()
    };
    Desk {
        locals: [(id(7), contact)].into(),
        by_key: [("p@x.example".to_owned(), id(7))].into(),
        accounts: [("a".to_owned(), id(1)), ("b".to_owned(), id(2))].into(),
        ..Desk::default()
    }
}

fn leave(record: &Record, desk: &Desk, handling: Handling) -> Option<Reason> {
    match decide(Sort::Contact, record, desk, handling) {
        Verdict::Leave(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_contact_is_who_has_the_address_within_the_account() {
    let found = decide(Sort::Contact, &person("P@X.example", Some("a")), &desk(), Handling::Link);
    let Verdict::Keep { local, new_link: true, take, .. } = found else { panic!("{found:?}") };
    assert_eq!(local, id(7));
    assert_eq!(
        take,
        Take { phone: Some(Some("+43 1".into())), ..Take::default() },
        "what it lacks"
    );
    let elsewhere = person("p@x.example", Some("b"));
    assert_eq!(leave(&elsewhere, &desk(), Handling::Create), Some(Reason::OtherAccount));
    let unknown = person("p@x.example", Some("c"));
    assert_eq!(leave(&unknown, &desk(), Handling::Create), Some(Reason::NoAccount));
}

#[test]
fn a_contact_is_created_only_with_an_address_and_an_account() {
    let new = person("n@x.example", Some("b"));
    assert_eq!(
        decide(Sort::Contact, &new, &desk(), Handling::Create),
        Verdict::Create(Some(id(2)))
    );
    assert_eq!(leave(&new, &desk(), Handling::Link), Some(Reason::NoMatch));
    let homeless = person("n@x.example", None);
    assert_eq!(leave(&homeless, &desk(), Handling::Create), Some(Reason::NoAccount));
    let mute = Record { key: None, ..person("", Some("a")) };
    assert_eq!(leave(&mute, &desk(), Handling::Create), Some(Reason::NoEmail));
}

#[test]
fn a_name_that_two_records_have_tells_nothing() {
    let desk = Desk { ambiguous: ["p@x.example".to_owned()].into(), ..desk() };
    let record = person("p@x.example", Some("a"));
    assert_eq!(leave(&record, &desk, Handling::Create), Some(Reason::Ambiguous));
}

#[test]
fn an_agent_is_never_created_and_a_link_that_somebody_took_away_stays_away() {
    let user = person("n@x.example", None);
    assert_eq!(
        decide(Sort::User, &user, &desk(), Handling::Create),
        Verdict::Leave(Some(Reason::NoMatch))
    );
    let unlinked = Record { reason: Some(Reason::Unlinked), ..person("p@x.example", Some("a")) };
    assert_eq!(leave(&unlinked, &desk(), Handling::Create), Some(Reason::Unlinked));
}

fn linked(base: Base, now: impl FnOnce(&mut Base)) -> Record {
    let mut values = base.clone();
    now(&mut values);
    let key = values.email.as_ref().map(|email| email.to_lowercase());
    Record { values, key, base: Some(base), local: Some(id(7)), ..person("p@x.example", Some("a")) }
}

fn taken(record: &Record, desk: &Desk) -> (Take, Base, Option<Reason>) {
    match decide(Sort::Contact, record, desk, Handling::Create) {
        Verdict::Keep { new_link: false, take, base, reason, .. } => (take, base, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_crm_changed_is_taken_and_what_only_the_desk_changed_stays() {
    let base = person("p@x.example", Some("a")).values;
    let mut desk = desk();
    desk.locals.get_mut(&id(7)).unwrap().phone = Some("set at the desk".into());
    let (take, ..) = taken(&linked(base.clone(), |_| {}), &desk);
    assert_eq!(take, Take::default());
    let renamed = linked(base, |values| values.name = "Buying".into());
    let (take, after, reason) = taken(&renamed, &desk);
    assert_eq!(take, Take { name: Some("Buying".into()), ..Take::default() });
    assert_eq!((after, reason), (renamed.values, None));
}

#[test]
fn a_contact_who_moves_leaves_the_one_account_and_joins_the_other() {
    let base = person("p@x.example", Some("a")).values;
    let (take, ..) = taken(&linked(base, |v| v.account_id = Some("b".into())), &desk());
    assert_eq!(take.account, Some((Some(id(1)), id(2))));
}

#[test]
fn what_cannot_be_taken_is_told_and_tried_again() {
    let base = person("p@x.example", Some("a")).values;
    let mut desk = desk();
    desk.by_key.insert("other@x.example".into(), id(8));
    let moved = linked(base.clone(), |v| v.email = Some("Other@x.example".into()));
    let (take, after, reason) = taken(&moved, &desk);
    assert_eq!((take.email, reason), (None, Some(Reason::EmailTaken)));
    assert_eq!(after.email, base.email);
    let lost = linked(base.clone(), |values| values.account_id = Some("z".into()));
    let (_, after, reason) = taken(&lost, &desk);
    assert_eq!((after.account_id, reason), (base.account_id, Some(Reason::NoAccount)));
}

#[test]
fn a_deleted_record_is_reported_if_it_was_linked_and_forgotten_otherwise() {
    let base = person("p@x.example", Some("a")).values;
    let gone = Record { gone: true, ..linked(base, |values| values.name = "Last words".into()) };
    let (take, _, reason) = taken(&gone, &desk());
    assert_eq!((take, reason), (Take::default(), Some(Reason::Deleted)));
    let stranger = Record { local: None, ..gone };
    assert_eq!(decide(Sort::Contact, &stranger, &desk(), Handling::Create), Verdict::Forget);
}

#[test]
fn who_has_left_is_reported_if_an_agent_is_linked_to_them() {
    let left = Record { active: false, ..person("p@x.example", None) };
    assert_eq!(decide(Sort::User, &left, &desk(), Handling::Link), Verdict::Leave(None));
    let linked = Record { local: Some(id(7)), ..left };
    let verdict = decide(Sort::User, &linked, &desk(), Handling::Link);
    assert!(matches!(verdict, Verdict::Keep { reason: Some(Reason::Inactive), .. }), "{verdict:?}");
}
