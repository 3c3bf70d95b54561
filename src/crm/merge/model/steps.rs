//! What can happen, and the rules under which it does.
use proptest::prelude::*;

use super::super::*;
use super::FIELDS;

/// What becomes of a write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Answered,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    NeverArrives,
    /// It is carried out later, when nobody waits for it any more.
    Hangs,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    EditDesk(Field),
    EditCrm(Field),
    /// Somebody in the CRM chooses what the mirror has sent, or puts it back after another value.
    Coincide(Field),
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

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
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
        2 => field().prop_map(Step::Coincide),
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

pub(super) fn rules() -> impl Strategy<Value = Rules> {
    let both = [Field::Status, Field::Priority];
    let policies = prop::collection::vec(prop::sample::select(Policy::ALL), both.len());
    let owners = prop::sample::select(vec![Owner::Desk, Owner::Both, Owner::Crm]);
    (policies, owners).prop_map(move |(policies, type_owner)| Rules {
        policies: both.into_iter().zip(policies).collect(),
        owners: Owners::from([(Field::Assignee, Owner::Crm), (Field::Type, type_owner)]),
        ..Rules::default()
    })
}
