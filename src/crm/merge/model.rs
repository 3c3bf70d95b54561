//! A desk, a CRM and the mirror between them, in steps as small as a crash can tell apart.
//!
//! The model takes its decisions with the real functions; what it adds is people, a network that loses, doubles and delays
//! writes, a CRM that cuts text and loses saves, and a process that dies.
use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::crm::provenance::{Provenance, Provenances, flag_reversals, give_up, note};

const FIELDS: [Field; 5] =
    [Field::Description, Field::Type, Field::Status, Field::Priority, Field::Assignee];
/// The CRM keeps this many bytes of a description.
const KEPT: usize = 6;
/// Attempts after which a write that hangs is never carried out.
const LONGEST_HANG: u32 = 6;

/// What becomes of a write.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Answered,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    NeverArrives,
    /// It is carried out later, when nobody waits for it any more.
    Hangs,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    EditDesk(Field),
    EditCrm(Field),
    /// The same new value on both sides.
    EditBoth(Field),
    /// A save within the CRM puts a field back to what it was before our write.
    Revert(Field),
    /// The desk's rules refuse the CRM's next value of this field.
    Refuse(Field),
    /// Somebody decides what is held.
    Decide(Side),
    /// The attempt goes on by one step: read, settle, write, store. Without an attempt one begins.
    GoOn(Fate),
    /// A whole attempt, also for a hint that came twice or too late.
    Attempt,
    Crash,
    /// The write that hangs is carried out.
    Arrive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let field = || prop::sample::select(&FIELDS[..]);
    let fate = prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::NeverArrives),
        1 => Just(Fate::Hangs),
    ];
    let step = prop_oneof![
        4 => field().prop_map(Step::EditDesk),
        4 => field().prop_map(Step::EditCrm),
        1 => field().prop_map(Step::EditBoth),
        1 => field().prop_map(Step::Revert),
        1 => field().prop_map(Step::Refuse),
        1 => prop::sample::select(Side::ALL).prop_map(Step::Decide),
        10 => fate.prop_map(Step::GoOn),
        3 => Just(Step::Attempt),
        1 => Just(Step::Crash),
        2 => Just(Step::Arrive),
    ];
    prop::collection::vec(step, 0..60)
}

fn rules() -> impl Strategy<Value = Rules> {
    let both = [Field::Status, Field::Priority];
    let policies = prop::collection::vec(prop::sample::select(Policy::ALL), both.len());
    let owners = prop::sample::select(vec![Owner::Desk, Owner::Both, Owner::Crm]);
    (policies, owners).prop_map(move |(policies, type_owner)| Rules {
        policies: both.into_iter().zip(policies).collect(),
        owners: Owners::from([(Field::Assignee, Owner::Crm), (Field::Type, type_owner)]),
    })
}

/// How far an attempt has come.
#[derive(Debug, Clone)]
enum Attempt {
    Read { desk: Case, desk_version: u32, crm: Case, crm_version: u32 },
    Settled { push: Case, crm_version: u32 },
    Written { push: Case, got: Case },
}

#[derive(Debug)]
struct World {
    desk: Case,
    desk_version: u32,
    crm: Case,
    crm_version: u32,
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
            self.before.remove(&field);
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
        }
    }

    fn attempt(&mut self) {
        self.attempt = None;
        for _ in 0..4 {
            self.go_on(Fate::Answered);
        }
    }

    fn go_on(&mut self, fate: Fate) {
        self.attempt = match self.attempt.take() {
            None => Some(self.read()),
            Some(Attempt::Read { desk, desk_version, crm, crm_version }) => {
                self.settle(desk, desk_version, crm, crm_version)
            }
            Some(Attempt::Settled { push, crm_version }) => self.send(push, crm_version, fate),
            Some(Attempt::Written { push, got }) => {
                self.agreement.pushed(&push, &got);
                self.sent = Case::default();
                None
            }
        };
    }

    fn read(&mut self) -> Attempt {
        self.attempts += 1;
        Attempt::Read {
            desk: self.desk.clone(),
            desk_version: self.desk_version,
            crm: self.crm.clone(),
            crm_version: self.crm_version,
        }
    }

    /// One transaction: the desk's changes, conflicts, the agreement, what will be sent. `None` ends the attempt.
    fn settle(&mut self, desk: Case, version: u32, crm: Case, crm_version: u32) -> Option<Attempt> {
        let mut agreement = self.agreement.clone();
        let given_up = agreement.recognize(&self.sent, &crm);
        let mut rules = self.rules.clone();
        self.decided.iter().for_each(|(field, winner)| rules.decided(*field, *winner));
        let times = Times { desk: self.now(), crm: self.now() };
        let mut merge = merge(&agreement, &desk, &crm, &rules, times);
        if !self.locks {
            flag_reversals(&mut merge, &desk, &self.provenances, self.now());
        }
        if !merge.apply_to_desk.is_empty() && version != self.desk_version {
            return None;
        }
        give_up(&mut self.provenances, &given_up);
        self.agreement = merge.agreement.clone();
        let mut push = merge.push.clone();
        let mut conflicts = merge.conflicts.clone();
        let mut taken = Case::default();
        for (field, value) in merge.apply_to_desk.iter() {
            if self.refusing.contains(&field) {
                conflicts.retain(|conflict| conflict.field != field);
                let winner = (!rules.holds_refused(field)).then_some(Side::Desk);
                conflicts.push(self.conflict(field, &desk, value, winner));
                if winner.is_some() {
                    push.set(field, desk.get(field).unwrap());
                }
            } else {
                taken.set(field, value);
            }
        }
        self.record(&conflicts);
        for (field, value) in taken.iter() {
            self.check_known(field, desk.get(field).unwrap(), "desk");
            self.edit_desk(field, value.to_owned());
            let set = self.set(Side::Crm, desk.get(field));
            note(&mut self.provenances, field, set);
        }
        self.agreement.applied(&taken);
        for (field, _) in push.iter() {
            let set = self.set(Side::Desk, crm.get(field));
            note(&mut self.provenances, field, set);
        }
        self.sent = push.clone();
        (!push.is_empty()).then_some(Attempt::Settled { push, crm_version })
    }

    fn set(&self, side: Side, replaced: Option<&str>) -> Provenance {
        Provenance {
            side,
            by: None,
            at: self.now(),
            rule: String::new(),
            replaced: replaced.map(str::to_owned),
            carried_at: self.now(),
            suspected_lost_update: false,
            unarrived: Vec::new(),
        }
    }

    fn conflict(&self, field: Field, desk: &Case, crm: &str, winner: Option<Side>) -> Conflict {
        let desk = desk.get(field).unwrap().to_owned();
        let reason = Reason::Policy(Policy::Desk);
        Conflict { field, base: None, desk, crm: crm.to_owned(), winner, reason }
    }

    fn record(&mut self, conflicts: &[Conflict]) {
        self.open.clear();
        for conflict in conflicts {
            match conflict.loser() {
                Some(loser) => self.lost.push((conflict.field, loser.to_owned())),
                None => drop(self.open.insert(conflict.field, conflict.clone())),
            }
        }
        let open = &self.open;
        self.decided.retain(|field, _| open.contains_key(field));
    }

    fn send(&mut self, push: Case, version: u32, fate: Fate) -> Option<Attempt> {
        if self.locks && version != self.crm_version {
            return None;
        }
        match fate {
            Fate::Answered => {
                self.write(&push);
                Some(Attempt::Written { push, got: self.crm.clone() })
            }
            Fate::AnswerLost => {
                self.write(&push);
                None
            }
            Fate::NeverArrives => None,
            Fate::Hangs => {
                self.hanging = Some((push, version, self.attempts));
                None
            }
        }
    }

    fn write(&mut self, push: &Case) {
        self.crm_version += 1;
        for (field, value) in push.iter() {
            self.writes += 1;
            let old = self.crm.get(field).unwrap().to_owned();
            self.check_known(field, &old, "CRM");
            self.crm.set(field, kept(field, value));
            self.ours.push((field, kept(field, value).to_owned()));
            self.before.insert(field, old);
        }
    }

    /// A value that is written over was agreed on before, or is in a recorded conflict, or was the mirror's own.
    fn check_known(&self, field: Field, old: &str, side: &str) {
        let is = |known: &(Field, String)| known.0 == field && known.1 == old;
        let agreed = self.agreement.base.get(field).unwrap_or_default() == old;
        let own = side == "CRM" && self.ours.iter().any(is);
        let recorded = self.lost.iter().any(is);
        assert!(agreed || own || recorded, "{field}: {old:?} of the {side} gave way in silence");
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
