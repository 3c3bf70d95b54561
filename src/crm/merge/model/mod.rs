//! A desk, a CRM and the mirror between them.
//!
//! The model takes its decisions with the real functions; what it adds is people, a network that loses, doubles and delays
//! writes, a CRM that cuts text and loses saves, and a process that dies.
mod attempt;
mod steps;

use chrono::TimeDelta;
use proptest::prelude::*;

use self::attempt::Attempt;
use self::steps::{Fate, Step, rules, steps};
use super::*;
use crate::crm::provenance::Provenances;

const FIELDS: [Field; 5] =
    [Field::Description, Field::Type, Field::Status, Field::Priority, Field::Assignee];
/// The CRM keeps this many bytes of a description.
const KEPT: usize = 6;
/// Attempts after which a write that hangs is never carried out.
const LONGEST_HANG: u32 = 6;

#[derive(Debug)]
struct World {
    desk: Case,
    desk_version: u32,
    crm: Case,
    crm_version: u32,
    /// The last save of the case was not the mirror's.
    saved_by_another: bool,
    /// The CRM refuses a write over a change that was not seen.
    locks: bool,
    clock: i64,
    rules: Rules,
    // What the mirror stores.
    agreement: Agreement,
    sent: Case,
    provenances: Provenances,
    open: BTreeMap<Field, Conflict>,
    decided: BTreeMap<Field, Side>,
    /// Values that gave way, each with its field.
    lost: Vec<(Field, String)>,
    // What is under way.
    attempt: Option<Attempt>,
    attempts: u32,
    hanging: Option<(Case, u32, u32)>,
    refusing: Vec<Field>,
    /// Values that the mirror wrote to the CRM, and what they replaced there.
    ours: Vec<(Field, String)>,
    before: BTreeMap<Field, String>,
    /// What people wrote in the CRM since the mirror last wrote or took it.
    news: BTreeMap<Field, Vec<String>>,
    edits: u32,
    writes: u32,
}

impl World {
    fn new(rules: Rules, locks: bool, linked: bool) -> Self {
        let text = |side: &str, field: Field| format!("{side}-{field}");
        let crm = |field| if linked { text("c", field) } else { String::new() };
        Self {
            desk: FIELDS.into_iter().map(|field| (field, text("d", field))).collect(),
            crm: FIELDS.into_iter().map(|field| (field, crm(field))).collect(),
            desk_version: 0,
            crm_version: 0,
            saved_by_another: true,
            locks,
            clock: 0,
            rules,
            agreement: Agreement::default(),
            sent: Case::default(),
            provenances: Provenances::new(),
            open: BTreeMap::new(),
            decided: BTreeMap::new(),
            lost: Vec::new(),
            attempt: None,
            attempts: 0,
            hanging: None,
            refusing: Vec::new(),
            ours: Vec::new(),
            before: BTreeMap::new(),
            news: FIELDS.into_iter().map(|field| (field, vec![crm(field)])).collect(),
            edits: 0,
            writes: 0,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(self.clock)
    }

    fn step(&mut self, step: Step) {
        self.clock += 1;
        match step {
            Step::EditDesk(field) => {
                let value = self.next_value();
                self.edit_desk(field, value);
            }
            Step::EditCrm(field) => {
                let value = self.next_value();
                self.edit_crm(field, value);
            }
            Step::Coincide(field) => {
                // What is agreed, or will be when the attempt goes on, is no news: nothing tells it from never having edited.
                let arrived = match &self.attempt {
                    Some(Attempt::Written { .. }) => true,
                    Some(Attempt::Read { crm, .. }) => crm.get(field) == self.sent.get(field),
                    Some(Attempt::Settled { .. }) | None => false,
                };
                let sent = self.sent.get(field).filter(|_| !arrived);
                let known = [self.crm.get(field), self.agreement.base.get(field)];
                if let Some(value) = sent.filter(|sent| !known.contains(&Some(sent))) {
                    self.edit_crm(field, value.to_owned());
                }
            }
            Step::EditBoth(field) => {
                let value = self.next_value();
                if self.edit_crm(field, value.clone()) {
                    self.edit_desk(field, value);
                }
            }
            Step::Revert(field) => self.revert(field),
            Step::Refuse(field) => self.refusing.push(field),
            Step::Decide(winner) => {
                self.decided.extend(self.open.keys().map(|field| (*field, winner)));
            }
            Step::GoOn(fate) => self.go_on(fate),
            Step::Attempt => self.attempt(),
            // What is stored stays, what is under way in the network too.
            Step::Crash => self.attempt = None,
            Step::Arrive => self.arrive(),
        }
    }

    fn next_value(&mut self) -> String {
        self.edits += 1;
        format!("v{}-long", self.edits)
    }

    fn edit_desk(&mut self, field: Field, value: String) {
        self.desk.set(field, value);
        self.desk_version += 1;
    }

    /// No client can see an edit between its reading and its writing where the CRM has no lock, so there is none.
    fn edit_crm(&mut self, field: Field, value: String) -> bool {
        let blind = match &self.attempt {
            Some(Attempt::Read { .. }) => !self.locks,
            Some(Attempt::Settled { push, .. }) => !self.locks && push.get(field).is_some(),
            Some(Attempt::Written { .. }) | None => false,
        };
        if !blind {
            self.crm.set(field, kept(field, &value));
            self.crm_version += 1;
            self.saved_by_another = true;
            self.before.remove(&field);
            self.news.entry(field).or_default().push(kept(field, &value).to_owned());
        }
        !blind
    }

    /// Only a CRM without a lock loses saves.
    fn revert(&mut self, field: Field) {
        if !self.locks
            && self.attempt.is_none()
            && let Some(before) = self.before.remove(&field)
        {
            self.crm.set(field, before);
            self.crm_version += 1;
            self.saved_by_another = true;
        }
    }

    fn arrive(&mut self) {
        let Some((push, version, since)) = self.hanging.take() else { return };
        let seen =
            |(field, _): (Field, &str)| self.agreement.base.get(field) == self.crm.get(field);
        let refused = self.locks && version != self.crm_version;
        let blind = !push.iter().all(seen) || matches!(self.attempt, Some(Attempt::Settled { .. }));
        if !refused && !blind && self.attempts - since <= LONGEST_HANG {
            self.write(&push);
            // One fault at a time: a write that is late is not lost as well.
            push.iter().for_each(|(field, _)| drop(self.before.remove(&field)));
        }
    }

    fn is_equal(&self, field: Field) -> bool {
        let (desk, crm) = (self.desk.get(field).unwrap(), self.crm.get(field).unwrap());
        let altered = self.agreement.altered.get(&field);
        desk == crm || altered.is_some_and(|a| a.sent == desk && a.got == crm)
    }

    /// The faults are over: nothing hangs, nobody refuses, and somebody decides.
    fn come_to_rest(&mut self) {
        (self.hanging, self.attempt) = (None, None);
        self.refusing.clear();
        self.attempt();
        self.step(Step::Decide(Side::Desk));
        for _ in 0..3 {
            self.attempt();
        }
    }
}

fn kept(field: Field, value: &str) -> &str {
    if field == Field::Description { &value[..value.len().min(KEPT)] } else { value }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_interleaving_converges_to_one_value_and_no_edit_disappears_in_silence(
        steps in steps(),
        rules in rules(),
        locks in any::<bool>(),
        linked in any::<bool>(),
    ) {
        let mut world = World::new(rules, locks, linked);
        steps.into_iter().for_each(|step| world.step(step));
        world.come_to_rest();
        for field in FIELDS {
            prop_assert!(world.is_equal(field), "{field}: {:?} / {:?}", world.desk, world.crm);
        }
        prop_assert_eq!(&world.agreement.base, &world.crm);
        let rest = (world.writes, world.desk.clone(), world.lost.len(), world.open.len());
        world.attempt();
        let after = (world.writes, world.desk.clone(), world.lost.len(), world.open.len());
        prop_assert_eq!(rest, after, "it is not quiet");
    }
}

#[test]
fn a_late_write_whose_value_somebody_chose_meanwhile_is_told_as_a_conflict() {
    let answered = || Step::GoOn(Fate::Answered);
    let history = [
        (answered(), "reads"),
        (answered(), "settles"),
        (Step::GoOn(Fate::Hangs), "the first write is under way"),
        (Step::Coincide(Field::Assignee), "somebody chooses the same"),
        (answered(), "reads"),
        (answered(), "takes it for the write's"),
        (Step::EditCrm(Field::Assignee), "somebody chooses another"),
        (Step::Attempt, "which the desk takes over"),
        (Step::Arrive, "the first write comes at last"),
    ];
    let owners = Owners::from([(Field::Assignee, Owner::Crm)]);
    let mut world = World::new(Rules { owners, ..Rules::default() }, false, false);
    history.into_iter().for_each(|(step, _)| world.step(step));
    assert_eq!(world.desk.get(Field::Assignee), Some("v1-long"));
    world.come_to_rest();
    assert_eq!(world.desk.get(Field::Assignee), Some("d-assignee"));
    assert!(world.lost.contains(&(Field::Assignee, "v1-long".to_owned())), "{:?}", world.lost);
}

proptest! {
    #[test]
    fn what_is_held_stays_as_it_is_on_both_sides(steps in steps(), locks in any::<bool>()) {
        let policies = FIELDS.into_iter().map(|field| (field, Policy::Hold)).collect();
        let mut world = World::new(Rules { policies, ..Rules::default() }, locks, false);
        steps.into_iter().for_each(|step| world.step(step));
        world.hanging = None;
        world.attempt();
        world.decided.clear();
        let held: Vec<Field> = world.open.keys().copied().collect();
        let both = |world: &World| {
            held.iter().map(|field| (world.desk.get(*field).map(str::to_owned), world.crm.get(*field).map(str::to_owned))).collect::<Vec<_>>()
        };
        let before = both(&world);
        world.attempt();
        prop_assert_eq!(both(&world), before);
    }
}
