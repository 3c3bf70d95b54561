//! The rules on the workflows that the service ships with.
use proptest::prelude::*;

use super::*;

fn shipped() -> Vec<Workflow> {
    let definitions: Vec<NewWorkflow> =
        serde_json::from_str(include_str!("../../seed/workflows.json")).unwrap();
    definitions.into_iter().map(NewWorkflow::into_workflow).collect()
}

/// The shipped workflow with this key.
pub fn shipped_as(key: &str) -> Workflow {
    shipped().into_iter().find(|workflow| workflow.key == key).unwrap()
}

fn consultancy() -> Workflow {
    shipped_as("consultancy")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-03-31T12:00:00Z")
}

/// The code of the refusal of a changed consultancy workflow.
fn refused(change: impl FnOnce(&mut Workflow)) -> &'static str {
    let before = consultancy();
    let mut after = before.clone();
    change(&mut after);
    after.check(Some(&before)).unwrap_err().code()
}

fn transition(from: &str, to: &str, trigger: Trigger) -> Transition {
    let new = json_transition(from, to, trigger);
    serde_json::from_value::<NewTransition>(new).unwrap().into_transition()
}

fn json_transition(from: &str, to: &str, trigger: Trigger) -> serde_json::Value {
    serde_json::json!({"from": from, "to": to, "trigger": trigger})
}

#[test]
fn the_shipped_workflows_are_valid_and_sound() {
    let definitions: Vec<NewWorkflow> =
        serde_json::from_str(include_str!("../../seed/workflows.json")).unwrap();
    for definition in definitions {
        definition.validate().unwrap();
        definition.into_workflow().check(None).unwrap();
    }
}

#[test]
fn every_shipped_status_that_is_not_closed_can_reach_closed() {
    for workflow in shipped() {
        let can_close = workflow.can_close();
        let stuck: Vec<&Status> =
            workflow.statuses.iter().filter(|s| !can_close.contains(s.code.as_str())).collect();
        assert!(stuck.is_empty(), "{}: {stuck:?}", workflow.key);
    }
}

#[test]
fn a_closed_ticket_can_be_reopened_until_the_last_moment_of_the_thirtieth_day() {
    let workflow = consultancy();
    let closed_at = Some(at("2026-03-01T12:00:00Z"));
    let reopen = |now| workflow.on("050", Trigger::CustomerReply, closed_at, now);
    assert_eq!(reopen(at("2026-03-31T12:00:00Z")).unwrap().to, "017");
    assert_eq!(reopen(at("2026-03-31T12:00:00.000001Z")), None);
    assert_eq!(workflow.on("050", Trigger::CustomerReply, None, now()), None);

    let late = at("2026-03-31T12:00:01Z");
    let decide = |now| workflow.decide("050", "017", Trigger::Agent, &[], closed_at, now);
    assert!(decide(now()).is_ok());
    assert_eq!(decide(late), Err(Refusal::WindowOver));
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let mut workflow = consultancy();
    let close = workflow.transitions.iter_mut().find(|t| t.from == "030" && t.to == "050").unwrap();
    close.requires = vec![Requirement::Resolution, Requirement::PublicNote];
    let decide =
        |given: &[Requirement]| workflow.decide("030", "050", Trigger::Agent, given, None, now());
    let all = vec![Requirement::Resolution, Requirement::PublicNote];
    assert_eq!(decide(&[]), Err(Refusal::Missing(all.clone())));
    assert_eq!(decide(&all[..1]), Err(Refusal::Missing(vec![Requirement::PublicNote])));
    assert_eq!(decide(&all).unwrap().to, "050");
}

#[test]
fn a_refusal_names_what_is_possible_instead() {
    let workflow = consultancy();
    let refusal = workflow.decide("012", "040", Trigger::Agent, &[], None, now()).unwrap_err();
    let Refusal::NotAllowed { allowed } = refusal else { panic!("{refusal:?}") };
    let targets: Vec<&str> = allowed.iter().map(|transition| transition.to.as_str()).collect();
    assert_eq!(targets, ["013", "016", "050"]);
}

#[test]
fn a_change_that_would_trap_tickets_is_refused() {
    // A new status that is entered and never left.
    let code = refused(|workflow| {
        let mut status = workflow.status("030").unwrap().clone();
        (status.code, status.key) = ("060".into(), "TRAP".into());
        workflow.statuses.push(status);
        workflow.transitions.push(transition("030", "060", Trigger::Agent));
    });
    assert_eq!(code, "trap_status");
    // Every way out of a status is taken away, and every way in: tickets may be in it already.
    let code =
        refused(|workflow| workflow.transitions.retain(|t| t.from != "099" && t.to != "099"));
    assert_eq!(code, "trap_status");
}

#[test]
fn a_status_may_be_added_before_its_transitions() {
    let before = consultancy();
    let mut after = before.clone();
    let mut status = after.status("030").unwrap().clone();
    (status.code, status.key) = ("060".into(), "LAB".into());
    after.statuses.push(status);
    after.check(Some(&before)).unwrap();
}

#[test]
fn what_happens_by_itself_must_be_unambiguous() {
    let reply = transition("035", "030", Trigger::CustomerReply);
    assert_eq!(refused(|workflow| workflow.transitions.push(reply)), "ambiguous_trigger");
    let twice = transition("030", "040", Trigger::Agent);
    assert_eq!(refused(|workflow| workflow.transitions.push(twice)), "ambiguous_trigger");
}

#[test]
fn a_transition_must_make_sense() {
    let nowhere = transition("030", "030", Trigger::Agent);
    assert_eq!(refused(|workflow| workflow.transitions.push(nowhere)), "bad_transition");
    let unknown = transition("030", "777", Trigger::Agent);
    assert_eq!(refused(|workflow| workflow.transitions.push(unknown)), "unknown_status");
    let given = transition("031", "050", Trigger::Assignment);
    assert_eq!(refused(|workflow| workflow.transitions.push(given)), "bad_transition");
    let never = transition("040", "050", Trigger::NoFeedback);
    assert_eq!(refused(|workflow| workflow.transitions.push(never)), "bad_transition");
    let mut window = transition("040", "030", Trigger::Agent);
    window.within_days = Some(3);
    assert_eq!(refused(|workflow| workflow.transitions.push(window)), "bad_transition");
    let mut reminder = transition("040", "050", Trigger::NoFeedback);
    (reminder.after_days, reminder.reminder_after_days) = (Some(7), Some(7));
    assert_eq!(refused(|workflow| workflow.transitions.push(reminder)), "bad_transition");
}

#[test]
fn the_entries_of_a_workflow_must_fit() {
    for (draft, submitted) in [("010", "010"), ("777", "010"), ("005", "050"), ("005", "012")] {
        let code = refused(|workflow| {
            workflow.draft_status = draft.into();
            workflow.submitted_status = submitted.into();
        });
        assert_eq!(code, "bad_entry_status", "{draft} {submitted}");
    }
}

#[test]
fn the_nearest_closed_status_is_found_from_every_status() {
    let workflow = consultancy();
    for status in &workflow.statuses {
        assert_eq!(workflow.nearest_closed(&status.code).unwrap().code, "050", "{}", status.code);
    }
    let simple = shipped().into_iter().find(|workflow| workflow.key == "simple").unwrap();
    let nearest = |from| simple.nearest_closed(from).unwrap().code.clone();
    assert_eq!([nearest("new"), nearest("draft"), nearest("on_hold")], ["solved"; 3]);
    assert_eq!(nearest("solved"), "closed");
    // Nothing leads out of the last one, and nobody asks from there.
    assert_eq!(nearest("closed"), "solved");
    let mut converted = simple.clone();
    converted.transitions.retain(|way| way.from != "new");
    converted.transitions.push(transition("new", "closed", Trigger::Conversion));
    assert_eq!(converted.nearest_closed("new").unwrap().code, "solved");
}

fn a_code() -> impl Strategy<Value = String> {
    let workflow = consultancy();
    prop::sample::select(workflow.statuses.into_iter().map(|s| s.code).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn nothing_is_decided_that_is_not_listed_as_allowed(
        from in a_code(),
        to in a_code(),
        trigger in prop::sample::select(Trigger::ALL),
        given in prop::sample::subsequence(Requirement::ALL, 0..=Requirement::ALL.len()),
        closed_seconds_ago in prop::option::of(0_i64..60 * 86_400),
    ) {
        let workflow = consultancy();
        let closed_at = closed_seconds_ago.map(|seconds| now() - TimeDelta::seconds(seconds));
        let allowed = workflow.allowed(&from, &[trigger], closed_at, now());
        match workflow.decide(&from, &to, trigger, &given, closed_at, now()) {
            Ok(transition) => {
                prop_assert!(allowed.contains(&transition));
                prop_assert!(transition.requires.iter().all(|required| given.contains(required)));
            }
            Err(Refusal::Missing(missing)) => {
                prop_assert!(allowed.iter().any(|t| t.to == to));
                prop_assert!(!missing.is_empty());
                prop_assert!(missing.iter().all(|required| !given.contains(required)));
            }
            Err(Refusal::NotAllowed { .. } | Refusal::WindowOver) => {
                prop_assert!(allowed.iter().all(|t| t.to != to));
            }
        }
    }

    #[test]
    fn no_removal_that_is_accepted_leaves_a_status_without_a_way_to_closed(
        kept in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let before = consultancy();
        let mut after = before.clone();
        for index in kept {
            let transition = index.get(&before.transitions);
            after.transitions.retain(|t| t.id != transition.id);
            if let Err(error) = after.check(Some(&before)) {
                prop_assert_eq!(error.status(), 422);
                after.transitions.push(transition.clone());
            }
        }
        prop_assert_eq!(after.can_close(), before.can_close());
    }
}

#[test]
fn a_definition_makes_a_workflow_what_it_says_and_keeps_the_ids_of_ways_that_stay() {
    let before = consultancy();
    let mut read = serde_json::to_value(&before).unwrap();
    read["transitions"].as_array_mut().unwrap().remove(0);
    let definition: WorkflowDefinition = serde_json::from_value(read.clone()).unwrap();
    let mut after = before.clone();
    definition.apply(&mut after).unwrap();
    assert_eq!(after.transitions, before.transitions[1..]);
    assert_eq!(after.statuses, before.statuses);
    read["key"] = "other".into();
    let other: WorkflowDefinition = serde_json::from_value(read).unwrap();
    assert_eq!(other.apply(&mut after).unwrap_err().status(), 422);
}

#[test]
fn all_problems_are_told_and_the_first_of_them_refuses() {
    let before = consultancy();
    let mut after = before.clone();
    after.draft_status = "050".into();
    after.transitions.retain(|way| way.from != "031");
    let codes: Vec<String> =
        after.problems(Some(&before)).into_iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["bad_entry_status", "trap_status"]);
    assert_eq!(after.check(Some(&before)).unwrap_err().code(), "bad_entry_status");
    assert!(before.problems(Some(&before)).is_empty());
}
