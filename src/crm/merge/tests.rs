use chrono::TimeDelta;

use super::*;

fn case(values: &[(Field, &str)]) -> Case {
    values.iter().copied().collect()
}

fn agreed(values: &[(Field, &str)]) -> Agreement {
    Agreement { base: case(values), ..Agreement::default() }
}

const SAME_TIME: Times = Times { desk: DateTime::UNIX_EPOCH, crm: DateTime::UNIX_EPOCH };

fn policy_of(field: Field, policy: Policy) -> Rules {
    Rules { policies: Policies::from([(field, policy)]), ..Rules::default() }
}

fn merge_status(base: &str, desk: &str, crm: &str, policy: Policy, times: Times) -> Merge {
    let [base, desk, crm] = [base, desk, crm].map(|value| case(&[(Field::Status, value)]));
    let agreement = Agreement { base, ..Agreement::default() };
    merge(&agreement, &desk, &crm, &policy_of(Field::Status, policy), times)
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
        &Rules::default(),
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
    let merge = merge(&Agreement::default(), &desk, &crm, &Rules::default(), SAME_TIME);
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
    let merge = merge(&Agreement::default(), &desk, &crm, &Rules::default(), SAME_TIME);
    assert_eq!(merge.agreement.base, case(&[(Field::Status, "Open")]));
    assert!(merge.push.is_empty() && merge.apply_to_desk.is_empty());
}

#[test]
fn text_that_the_crm_cut_is_not_pushed_again_until_the_desk_changes_it() {
    let [long, cut] = ["a long subject", "a long"].map(|value| case(&[(Field::Subject, value)]));
    let mut agreement = Agreement::default();
    agreement.pushed(&long, &cut);
    assert_eq!(agreement.altered[&Field::Subject].sent, "a long subject");
    let quiet = merge(&agreement, &long, &cut, &Rules::default(), SAME_TIME);
    assert_eq!(quiet, Merge { agreement: agreement.clone(), ..Merge::default() });
    let changed = case(&[(Field::Subject, "a longer subject")]);
    assert_eq!(merge(&agreement, &changed, &cut, &Rules::default(), SAME_TIME).push, changed);
}

#[test]
fn an_edit_between_our_write_and_its_answer_is_taken_over_afterwards() {
    let [ours, theirs] = ["P1", "P"].map(|value| case(&[(Field::Priority, value)]));
    let mut agreement = Agreement::default();
    agreement.pushed(&ours, &theirs);
    let merge = merge(&agreement, &ours, &theirs, &Rules::default(), SAME_TIME);
    assert_eq!(merge.apply_to_desk, theirs);
}

/// A priority that belongs to one side.
fn merge_owned(owner: Owner, base: Option<&str>, desk: &str, crm: &str) -> Merge {
    let agreement = Agreement {
        base: base.map(|b| (Field::Priority, b)).into_iter().collect(),
        ..Agreement::default()
    };
    let [desk, crm] = [desk, crm].map(|value| case(&[(Field::Priority, value)]));
    let rules = Rules { owners: Owners::from([(Field::Priority, owner)]), ..Rules::default() };
    merge(&agreement, &desk, &crm, &rules, SAME_TIME)
}

#[test]
fn what_the_desk_changed_of_a_field_of_the_crm_is_taken_back_but_recorded() {
    for crm in ["b", "c"] {
        let merge = merge_owned(Owner::Crm, Some("b"), "d", crm);
        assert_eq!(merge.apply_to_desk, case(&[(Field::Priority, crm)]));
        assert!(merge.push.is_empty());
        assert_eq!(merge.conflicts[0].loser(), Some("d"));
        assert_eq!(merge.conflicts[0].reason, Reason::CrmOwned);
    }
    let taken = merge_owned(Owner::Crm, Some("b"), "b", "c");
    assert_eq!(taken.apply_to_desk, case(&[(Field::Priority, "c")]));
    assert!(taken.conflicts.is_empty());
}

#[test]
fn a_case_that_has_no_value_yet_begins_with_the_desks_whoever_owns_the_field() {
    let merge = merge_owned(Owner::Crm, None, "d", "");
    assert_eq!(merge.push, case(&[(Field::Priority, "d")]));
    assert!(merge.conflicts.is_empty());
}

#[test]
fn a_field_that_both_may_change_can_be_given_to_the_desk_alone() {
    let merge = merge_owned(Owner::Desk, Some("b"), "b", "c");
    assert_eq!(merge.push, case(&[(Field::Priority, "b")]));
    assert_eq!(merge.conflicts[0].reason, Reason::DeskOwned);
}

#[test]
fn a_decision_counts_more_than_owner_and_policy() {
    let mut rules = policy_of(Field::Status, Policy::Hold);
    rules.owners.insert(Field::Status, Owner::Crm);
    assert!(rules.holds_refused(Field::Status));
    rules.decided.insert(Field::Status, Side::Desk);
    assert!(!rules.holds_refused(Field::Status));
    let [base, desk, crm] = ["b", "d", "c"].map(|value| case(&[(Field::Status, value)]));
    let agreement = Agreement { base, ..Agreement::default() };
    let merge = merge(&agreement, &desk, &crm, &rules, SAME_TIME);
    assert_eq!(merge.push, desk);
}

#[test]
fn what_somebody_decided_is_done_whichever_side_changed() {
    let agreement = agreed(&[(Field::Status, "b")]);
    for (ours, theirs) in [("d", "b"), ("b", "c"), ("d", "c")] {
        let (desk, crm) = (case(&[(Field::Status, ours)]), case(&[(Field::Status, theirs)]));
        let mut rules = Rules::default();
        rules.decided.insert(Field::Status, Side::Desk);
        assert_eq!(merge(&agreement, &desk, &crm, &rules, SAME_TIME).push, desk);
        rules.decided.insert(Field::Status, Side::Crm);
        assert_eq!(merge(&agreement, &desk, &crm, &rules, SAME_TIME).apply_to_desk, crm);
    }
}

#[test]
fn a_stamp_cut_to_the_minute_is_compared_with_the_desks_minute() {
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    // The case was saved at 1:50 and shows 1:00; the ticket was changed at 1:30.
    let times = Times { desk: at(90), crm: at(60) };
    assert_eq!(times.cut(60).desk, at(60));
    assert_eq!(times.cut(1).desk, at(90));
}

#[test]
fn of_a_write_whose_answer_was_lost_the_fields_that_arrived_are_agreed_on() {
    let sent = case(&[(Field::Status, "s"), (Field::Priority, "p"), (Field::Subject, "a <b> c")]);
    let shown = case(&[(Field::Status, "s"), (Field::Priority, "x"), (Field::Subject, "a  c")]);
    let mut agreement = Agreement::default();
    agreement.recognize(&sent, &shown);
    assert_eq!(agreement.base, case(&[(Field::Status, "s"), (Field::Subject, "a  c")]));
}
