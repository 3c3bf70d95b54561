use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn case(values: &[(Field, &str)]) -> Case {
    values.iter().copied().collect()
}

fn agreed(values: &[(Field, &str)]) -> Agreement {
    Agreement { base: case(values), ..Agreement::default() }
}

const SAME_TIME: Times = Times { desk: DateTime::UNIX_EPOCH, crm: DateTime::UNIX_EPOCH };

fn merge_status(base: &str, desk: &str, crm: &str, policy: Policy, times: Times) -> Merge {
    let [base, desk, crm] = [base, desk, crm].map(|value| case(&[(Field::Status, value)]));
    let agreement = Agreement { base, ..Agreement::default() };
    merge(&agreement, &desk, &crm, &Policies::from([(Field::Status, policy)]), times)
}

#[test]
fn an_echo_of_our_own_write_changes_nothing() {
    let merge = merge_status("Open", "Open", "Open", Policy::Crm, SAME_TIME);
    assert_eq!(merge, Merge { agreement: agreed(&[(Field::Status, "Open")]), ..Merge::default() });
}

#[test]
fn the_side_that_changed_alone_wins_without_a_conflict() {
    let taken = merge_status("Open", "Open", "Closed", Policy::Desk, SAME_TIME);
    assert_eq!(taken.apply_to_desk, case(&[(Field::Status, "Closed")]));
    let pushed = merge_status("Open", "Closed", "Open", Policy::Crm, SAME_TIME);
    assert_eq!(pushed.push, case(&[(Field::Status, "Closed")]));
    assert!(taken.conflicts.is_empty() && pushed.conflicts.is_empty());
    assert_eq!(
        taken.agreement.base,
        case(&[(Field::Status, "Open")]),
        "not agreed before it is applied"
    );
}

#[test]
fn the_same_change_on_both_sides_is_agreement() {
    let merge = merge_status("Open", "Closed", "Closed", Policy::Hold, SAME_TIME);
    assert_eq!(merge.agreement.base, case(&[(Field::Status, "Closed")]));
    assert!(merge.conflicts.is_empty());
}

#[test]
fn a_conflict_follows_the_policy_and_names_the_value_that_gave_way() {
    let minute = TimeDelta::minutes(1);
    let crm_later = Times { crm: SAME_TIME.crm + minute, ..SAME_TIME };
    let desk_later = Times { desk: SAME_TIME.desk + minute, ..SAME_TIME };
    for (policy, times, loser) in [
        (Policy::Desk, crm_later, "c"),
        (Policy::Crm, desk_later, "d"),
        (Policy::Latest, crm_later, "d"),
        (Policy::Latest, desk_later, "c"),
        (Policy::Latest, SAME_TIME, "c"),
    ] {
        let merge = merge_status("b", "d", "c", policy, times);
        assert_eq!(merge.conflicts[0].loser(), Some(loser), "{policy:?}");
        assert_eq!(merge.conflicts[0].reason, Reason::Policy(policy));
        assert_eq!(merge.push.is_empty(), loser == "d");
        assert_eq!(merge.apply_to_desk.is_empty(), loser == "c");
    }
}

#[test]
fn a_held_conflict_changes_neither_side_and_stays() {
    let merge = merge_status("b", "d", "c", Policy::Hold, SAME_TIME);
    assert!(merge.push.is_empty() && merge.apply_to_desk.is_empty());
    assert_eq!(merge.conflicts[0].loser(), None);
    assert_eq!(merge.agreement.base, case(&[(Field::Status, "b")]));
}

#[test]
fn an_edit_of_a_desk_owned_field_in_the_crm_is_written_over_but_recorded() {
    let values = |value| case(&[(Field::Subject, value)]);
    let merge = merge(
        &agreed(&[(Field::Subject, "b")]),
        &values("b"),
        &values("c"),
        &Policies::new(),
        SAME_TIME,
    );
    assert_eq!(merge.push, values("b"));
    assert_eq!(merge.conflicts[0].loser(), Some("c"));
    assert_eq!(merge.conflicts[0].reason, Reason::DeskOwned);
}

#[test]
fn linking_to_an_existing_case_keeps_the_desk_and_fills_what_the_desk_left_empty() {
    let desk = case(&[(Field::Status, "Open"), (Field::Assignee, ""), (Field::Account, "a")]);
    let crm = case(&[(Field::Status, "Closed"), (Field::Assignee, "u"), (Field::Account, "")]);
    let merge = merge(&Agreement::default(), &desk, &crm, &Policies::new(), SAME_TIME);
    assert_eq!(merge.push, case(&[(Field::Status, "Open"), (Field::Account, "a")]));
    assert_eq!(merge.apply_to_desk, case(&[(Field::Assignee, "u")]));
    assert_eq!(merge.conflicts.len(), 1);
    assert_eq!(merge.conflicts[0].loser(), Some("Closed"));
    assert_eq!(merge.conflicts[0].reason, Reason::FirstLink);
}

#[test]
fn a_field_that_one_side_does_not_have_is_left_alone() {
    let desk = case(&[(Field::Number, "7"), (Field::Status, "Open")]);
    let crm = case(&[(Field::Product, "p"), (Field::Status, "Open")]);
    let merge = merge(&Agreement::default(), &desk, &crm, &Policies::new(), SAME_TIME);
    assert_eq!(merge.agreement.base, case(&[(Field::Status, "Open")]));
    assert!(merge.push.is_empty() && merge.apply_to_desk.is_empty());
}

#[test]
fn text_that_the_crm_cut_is_not_pushed_again_until_the_desk_changes_it() {
    let [long, cut] = ["a long subject", "a long"].map(|value| case(&[(Field::Subject, value)]));
    let mut agreement = Agreement::default();
    agreement.pushed(&long, &cut);
    assert_eq!(agreement.altered[&Field::Subject].sent, "a long subject");
    let quiet = merge(&agreement, &long, &cut, &Policies::new(), SAME_TIME);
    assert_eq!(quiet, Merge { agreement: agreement.clone(), ..Merge::default() });
    let changed = case(&[(Field::Subject, "a longer subject")]);
    assert_eq!(merge(&agreement, &changed, &cut, &Policies::new(), SAME_TIME).push, changed);
}

#[test]
fn an_edit_between_our_write_and_its_answer_is_taken_over_afterwards() {
    let [ours, theirs] = ["P1", "P"].map(|value| case(&[(Field::Priority, value)]));
    let mut agreement = Agreement::default();
    agreement.pushed(&ours, &theirs);
    let merge = merge(&agreement, &ours, &theirs, &Policies::new(), SAME_TIME);
    assert_eq!(merge.apply_to_desk, theirs);
}

const FIELDS: [Field; 3] = [Field::Description, Field::Status, Field::Assignee];
/// The simulated CRM keeps this many bytes of a description.
const KEPT: usize = 6;

#[derive(Debug, Clone, Copy)]
enum Step {
    EditDesk(Field),
    EditCrm(Field),
    /// A whole sync; the edit comes in after the read.
    Sync(Option<Field>),
    /// The process dies after the write to the CRM and before its outcome is stored.
    SyncAndCrash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let field = || prop::sample::select(&FIELDS[..]);
    let step = prop_oneof![
        field().prop_map(Step::EditDesk),
        field().prop_map(Step::EditCrm),
        prop::option::of(field()).prop_map(Step::Sync),
        Just(Step::SyncAndCrash),
    ];
    prop::collection::vec(step, 0..30)
}

/// A desk, a CRM that shortens descriptions, and the mirror between them.
struct World {
    desk: Case,
    crm: Case,
    agreement: Agreement,
    policies: Policies,
    conflicts: Vec<Conflict>,
    edits: u32,
    writes: u32,
}

impl World {
    fn new(policy: Policy) -> Self {
        let empty: Case = FIELDS.into_iter().map(|field| (field, "")).collect();
        Self {
            desk: empty.clone(),
            crm: empty,
            agreement: Agreement::default(),
            policies: FIELDS.into_iter().map(|field| (field, policy)).collect(),
            conflicts: Vec::new(),
            edits: 0,
            writes: 0,
        }
    }

    fn next_value(&mut self, field: Field) -> String {
        self.edits += 1;
        let tail = if field == Field::Description { "-long" } else { "" };
        format!("v{}{tail}", self.edits)
    }

    fn edit_desk(&mut self, field: Field) {
        let value = self.next_value(field);
        self.desk.set(field, value);
    }

    fn edit_crm(&mut self, field: Field) {
        let value = self.next_value(field);
        self.crm.set(field, value);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::EditDesk(field) => self.edit_desk(field),
            Step::EditCrm(field) => self.edit_crm(field),
            Step::Sync(edited) => self.sync(edited, true),
            Step::SyncAndCrash => self.sync(None, false),
        }
    }

    fn sync(&mut self, edited_meanwhile: Option<Field>, survives: bool) {
        let merge = merge(&self.agreement, &self.desk, &self.crm, &self.policies, SAME_TIME);
        self.check_that_nothing_disappears(&merge);
        self.conflicts.extend(merge.conflicts);
        // One transaction at the desk: values, agreement, conflicts.
        for (field, value) in merge.apply_to_desk.iter() {
            self.desk.set(field, value);
        }
        self.agreement = merge.agreement;
        self.agreement.applied(&merge.apply_to_desk);
        for (field, value) in merge.push.iter() {
            self.writes += 1;
            let kept =
                if field == Field::Description { &value[..value.len().min(KEPT)] } else { value };
            self.crm.set(field, kept);
        }
        if let Some(field) = edited_meanwhile {
            self.edit_crm(field);
            self.edit_desk(field);
        }
        if survives {
            self.agreement.pushed(&merge.push, &self.crm);
        }
    }

    /// A value that is written over was agreed before, or what is left of one, or is in a conflict.
    fn check_that_nothing_disappears(&self, merge: &Merge) {
        for (target, over) in [(&merge.apply_to_desk, &self.desk), (&merge.push, &self.crm)] {
            for (field, new) in target.iter() {
                let old = over.get(field).unwrap();
                let known = old.is_empty() || self.agreement.base.get(field) == Some(old);
                let same = loss(new, old).is_some();
                let recorded =
                    merge.conflicts.iter().any(|c| c.field == field && c.loser() == Some(old));
                assert!(
                    known || same || recorded,
                    "{field:?}: {old:?} gave way to {new:?} in silence"
                );
            }
        }
    }

    fn is_equal(&self) -> bool {
        FIELDS.iter().all(|field| {
            let (desk, crm) = (self.desk.get(*field).unwrap(), self.crm.get(*field).unwrap());
            desk == crm
                || self.agreement.altered.get(field).is_some_and(|a| a.sent == desk && a.got == crm)
        })
    }
}

proptest! {
    #[test]
    fn any_interleaving_converges_and_then_is_quiet(
        steps in steps(),
        policy in prop::sample::select(vec![Policy::Crm, Policy::Desk, Policy::Latest]),
    ) {
        let mut world = World::new(policy);
        steps.into_iter().for_each(|step| world.step(step));
        world.sync(None, true);
        world.sync(None, true);
        prop_assert!(world.is_equal(), "{:?} / {:?}", world.desk, world.crm);
        let (writes, desk, conflicts) = (world.writes, world.desk.clone(), world.conflicts.len());
        world.sync(None, true);
        prop_assert_eq!((world.writes, &world.desk, world.conflicts.len()), (writes, &desk, conflicts));
        prop_assert_eq!(&world.agreement.base, &world.crm);
    }

    #[test]
    fn a_hold_never_changes_the_field_it_holds(steps in steps()) {
        let mut world = World::new(Policy::Hold);
        steps.into_iter().for_each(|step| world.step(step));
        world.sync(None, true);
        let merge = merge(&world.agreement, &world.desk, &world.crm, &world.policies, SAME_TIME);
        for held in merge.conflicts.iter().filter(|c| c.winner.is_none()) {
            prop_assert_eq!(merge.push.get(held.field), None);
            prop_assert_eq!(merge.apply_to_desk.get(held.field), None);
        }
    }
}
