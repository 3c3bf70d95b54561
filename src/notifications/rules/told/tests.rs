use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn agent(n: u128) -> AgentId {
    AgentId(id(n))
}

const HOLDER: u128 = 1;
const COLLEAGUE: u128 = 2;
const COORDINATOR: u128 = 3;
const ELSEWHERE: u128 = 4;
const CONTACT: u128 = 10;
const WATCHER: u128 = 11;

fn ticket() -> Facts {
    Facts {
        id: TicketId(id(100)),
        number: 1000,
        subject: "The export stops".into(),
        resolution: None,
        label: "Assigned".into(),
        account_id: Some(AccountId(id(200))),
        contact_id: Some(ContactId(id(CONTACT))),
        assignee_id: Some(agent(HOLDER)),
        department_id: DepartmentId(id(300)),
        level: Level::L1,
        opened_by: id(CONTACT),
        deleted: false,
        closed: false,
        surveys: true,
        tells_of_delay: false,
    }
}

fn staff() -> HashMap<AgentId, Staff> {
    let one = |n, role, department| Staff {
        id: agent(n),
        role,
        departments: vec![DepartmentId(id(department))],
        levels: vec![Level::L1],
    };
    let all = [
        one(HOLDER, AgentRole::Agent, 300),
        one(COLLEAGUE, AgentRole::Agent, 300),
        one(COORDINATOR, AgentRole::Coordinator, 300),
        one(ELSEWHERE, AgentRole::Agent, 301),
    ];
    all.into_iter().map(|staff| (staff.id, staff)).collect()
}

fn event(kind: EventType, actor: u128, changes: Value, data: Value) -> Event {
    Event {
        id: 1,
        position: Some(1),
        kind: kind.as_str().into(),
        ticket_id: Some(TicketId(id(100))),
        ticket_version: Some(2),
        subject: String::new(),
        public: true,
        actor_id: id(actor),
        actor_role: if (CONTACT..=WATCHER).contains(&actor) { "contact" } else { "agent" }.into(),
        actor_name: "Somebody".into(),
        origin: "api".into(),
        changes,
        data,
        occurred_at: DateTime::UNIX_EPOCH,
    }
}

fn followers(people: &[Person]) -> Vec<Follower> {
    let ticket_id = TicketId(id(100));
    people.iter().map(|person| Follower { ticket_id, person: *person }).collect()
}

fn label(code: &str) -> Option<String> {
    // Two statuses are the same to customers.
    Some(if code == "031" { "030" } else { code }.to_owned())
}

fn told(event: &Event, ticket: &Facts, watching: &[Person]) -> Vec<(u128, Kind)> {
    let Some(occurrence) = Occurrence::of(event) else { return Vec::new() };
    let found = recipients(&occurrence, ticket, &followers(watching), &staff(), label);
    found.into_iter().map(|(person, kind)| (person.id().as_u128(), kind)).collect()
}

fn note(actor: u128, visibility: &str) -> Event {
    let data = json!({"note_id": id(400), "note_visibility": visibility});
    event(EventType::NoteAdded, actor, json!({}), data)
}

#[test]
fn a_customers_reply_is_told_to_who_has_the_ticket_and_to_who_watches_it() {
    let watching = [
        Person::Agent(agent(COLLEAGUE)),
        Person::Agent(agent(ELSEWHERE)),
        Person::Contact(ContactId(id(WATCHER))),
    ];
    assert_eq!(
        told(&note(CONTACT, "public"), &ticket(), &watching),
        [(HOLDER, Kind::CustomerReplied), (COLLEAGUE, Kind::Watched), (WATCHER, Kind::Watched)]
    );
}

#[test]
fn an_internal_note_is_told_to_no_customer_and_its_author_is_told_nothing() {
    let watching = [Person::Agent(agent(HOLDER)), Person::Contact(ContactId(id(WATCHER)))];
    assert_eq!(told(&note(HOLDER, "internal"), &ticket(), &watching), []);
    assert_eq!(told(&note(HOLDER, "public"), &ticket(), &watching).len(), 2);
    let mut mention = note(HOLDER, "internal");
    mention.data["mentions"] = json!([id(COLLEAGUE), id(ELSEWHERE)]);
    assert_eq!(told(&mention, &ticket(), &[]), [(COLLEAGUE, Kind::Mentioned)]);
}

#[test]
fn a_status_is_told_to_the_customer_only_when_it_is_another_one_to_them() {
    let moved = |from, to| {
        let changes = json!({"status": {"from": from, "to": to}});
        told(&event(EventType::TicketStatusChanged, HOLDER, changes, json!({})), &ticket(), &[])
    };
    assert_eq!(moved("020", "030"), [(CONTACT, Kind::StatusChanged)]);
    assert_eq!(moved("030", "031"), []);
    // With a reply the reply is what is told.
    let changes = json!({"status": {"from": "020", "to": "035"}});
    let data = json!({"note_id": id(400), "note_visibility": "public"});
    let asked = event(EventType::TicketStatusChanged, HOLDER, changes, data);
    assert_eq!(told(&asked, &ticket(), &[]), [(CONTACT, Kind::Replied)]);
}

#[test]
fn a_customer_is_told_of_a_delay_without_words_and_of_a_later_deadline_where_that_is_wanted() {
    let late = event(EventType::TicketDelayed, 0, json!({}), json!({"metric": "resolution"}));
    assert_eq!(
        told(&late, &ticket(), &[]),
        [(HOLDER, Kind::OwnChanged), (CONTACT, Kind::DelayNotice)]
    );
    let moved = |from: Value, to: Value| {
        let changes = json!({"deadline": {"from": from, "to": to}});
        event(EventType::TicketChanged, HOLDER, changes, json!({}))
    };
    let (first, second) = (json!("2040-01-01T15:00:00Z"), json!("2040-01-02T15:00:00Z"));
    let telling = Facts { tells_of_delay: true, ..ticket() };
    assert_eq!(told(&moved(first.clone(), second.clone()), &ticket(), &[]), []);
    let later = moved(first.clone(), second.clone());
    assert_eq!(told(&later, &telling, &[]), [(CONTACT, Kind::DelayNotice)]);
    for (from, to) in
        [(second.clone(), first.clone()), (Value::Null, first.clone()), (first, Value::Null)]
    {
        assert_eq!(told(&moved(from, to), &telling, &[]), []);
    }
}

#[test]
fn only_who_still_has_the_ticket_is_told_that_they_got_it() {
    let given = |to: u128| {
        let changes = json!({"assignee_id": {"from": null, "to": id(to)}});
        event(EventType::TicketAssigned, COORDINATOR, changes, json!({}))
    };
    assert_eq!(told(&given(HOLDER), &ticket(), &[]), [(HOLDER, Kind::Assigned)]);
    assert_eq!(told(&given(COLLEAGUE), &ticket(), &[]), [(HOLDER, Kind::OwnChanged)]);
}

#[test]
fn a_new_ticket_is_confirmed_also_to_who_opened_it_and_waits_for_the_whole_department() {
    let opened = event(EventType::TicketOpened, CONTACT, json!({}), json!({}));
    let waiting = Facts { assignee_id: None, ..ticket() };
    assert_eq!(
        told(&opened, &waiting, &[]),
        [
            (HOLDER, Kind::Queued),
            (COLLEAGUE, Kind::Queued),
            (COORDINATOR, Kind::Queued),
            (CONTACT, Kind::Opened)
        ]
    );
    assert_eq!(told(&opened, &Facts { deleted: true, ..ticket() }, &[]), []);
}

#[test]
fn what_was_missed_is_told_to_whose_it_was_and_to_who_coordinates_their_department() {
    let data = json!({"ticket_id": id(100), "agent_id": id(COLLEAGUE)});
    let mut missed = event(EventType::DelayNoticed, 0, json!({}), data);
    missed.ticket_id = None;
    assert_eq!(
        told(&missed, &ticket(), &[Person::Agent(agent(HOLDER))]),
        [(HOLDER, Kind::Watched), (COLLEAGUE, Kind::Delayed), (COORDINATOR, Kind::Delayed)]
    );
}

proptest! {
    /// Whoever does whatever: they are told nothing but that their own ticket came in, customers nothing of what is internal, and
    /// nobody of a deleted ticket or of one that they do not see.
    #[test]
    fn nobody_is_told_what_they_did_or_may_not_see(
        kind in 0..EventType::ALL.len(), actor in 0_u128..12, internal in any::<bool>(), assigned in any::<bool>(),
        deleted in any::<bool>(), status in prop::sample::select(vec!["020", "030", "031"]),
    ) {
        let kind = EventType::ALL[kind];
        let visibility = if internal { "internal" } else { "public" };
        let data = json!({
            "note_id": id(400), "note_visibility": visibility, "mentions": [id(COLLEAGUE), id(ELSEWHERE)],
            "agent_id": id(ELSEWHERE), "ticket_id": id(100),
        });
        let changes = json!({"status": {"from": "030", "to": status}});
        let event = event(kind, actor, changes, data);
        let assignee_id = assigned.then(|| agent(HOLDER));
        let facts = Facts { assignee_id, deleted, ..ticket() };
        let watching = [
            Person::Agent(agent(ELSEWHERE)), Person::Agent(agent(COLLEAGUE)), Person::Contact(ContactId(id(WATCHER))),
        ];
        for (person, kind) in told(&event, &facts, &watching) {
            prop_assert!(person != actor || kind == Kind::Opened);
            prop_assert!(!deleted && person != ELSEWHERE);
            if person >= CONTACT && internal {
                prop_assert!(kind == Kind::Opened || status == "020");
            }
        }
    }
}
