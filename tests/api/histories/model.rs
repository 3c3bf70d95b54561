//! What can happen, and what is known of it: pure.
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

/// A field that both sides may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Priority,
    Assignee,
    Product,
}

impl Field {
    pub const ALL: [Self; 3] = [Self::Priority, Self::Assignee, Self::Product];

    /// Its name in the mirror's conflicts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Assignee => "assignee",
            Self::Product => "product",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Desk,
    Crm,
}

/// What goes wrong with the next call of the CRM, or with the next of a kind.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    RefusedConnection,
    /// The next update is done, but nobody hears of it.
    LostUpdate,
    /// The next update never arrives.
    UnsentUpdate,
    /// The next creation is done, but nobody hears of it.
    LostCreation,
    ServerError,
    Throttled,
    Revoked,
}

/// One thing that happens. Choices are taken modulo the number of possibilities.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Somebody sets the field to the value with this number.
    Edit(Side, Field, usize),
    /// Somebody closes or opens the case in the CRM, as the workflow lets it or not.
    Status(usize),
    /// Somebody edits in the CRM what belongs to the desk.
    Rename,
    Note(Side),
    /// Committed events are published.
    Publish,
    /// What is due is mirrored.
    Mirror,
    /// Changes in the CRM are looked for.
    Poll,
    Trouble(Trouble),
    /// What is due is mirrored, and the process dies after so many milliseconds.
    Crash(u64),
    /// Time passes: what waits for its next attempt is due.
    Wait,
}

pub fn history() -> impl Strategy<Value = Vec<Step>> {
    let part = prop_oneof![25 => step().prop_map(|step| vec![step]), 1 => unheard_update()];
    prop::collection::vec(part, 3..28).prop_map(|parts| parts.concat())
}

/// What chance alone brings about too rarely: the desk has moved on when the mirror looks for an update that it never heard of.
fn unheard_update() -> impl Strategy<Value = Vec<Step>> {
    let troubles = vec![Trouble::LostUpdate, Trouble::LostUpdate, Trouble::UnsentUpdate];
    let field = prop::sample::select(Field::ALL.to_vec());
    (field, 0_usize..4, 0_usize..4, prop::sample::select(troubles))
        .prop_map(|(field, one, other, trouble)| unheard(trouble, field, one, other).to_vec())
}

/// The desk sets the field to `one`, the mirror does not hear whether its update was done, and the desk goes on to `other`.
pub fn unheard(trouble: Trouble, field: Field, one: usize, other: usize) -> [Step; 7] {
    [
        Step::Publish,
        Step::Mirror,
        Step::Edit(Side::Desk, field, one),
        Step::Publish,
        Step::Trouble(trouble),
        Step::Mirror,
        Step::Edit(Side::Desk, field, other),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let side = || prop::sample::select(vec![Side::Desk, Side::Crm]);
    let field = prop::sample::select(Field::ALL.to_vec());
    let trouble = prop::sample::select(vec![
        Trouble::RefusedConnection,
        Trouble::LostUpdate,
        Trouble::LostUpdate,
        Trouble::UnsentUpdate,
        Trouble::LostCreation,
        Trouble::ServerError,
        Trouble::Throttled,
        Trouble::Revoked,
    ]);
    prop_oneof![
        8 => (side(), field, 0_usize..4).prop_map(|(side, field, value)| Step::Edit(side, field, value)),
        1 => (0_usize..3).prop_map(Step::Status),
        1 => Just(Step::Rename),
        2 => side().prop_map(Step::Note),
        5 => Just(Step::Publish),
        6 => Just(Step::Mirror),
        4 => Just(Step::Poll),
        4 => trouble.prop_map(Step::Trouble),
        3 => (0_u64..40).prop_map(Step::Crash),
        2 => Just(Step::Wait),
    ]
}

/// The edits that were acknowledged and must not vanish; values in the CRM's words.
#[derive(Debug, Default)]
pub struct Edits {
    last: BTreeMap<(Side, Field), String>,
    /// Those that somebody on the other side saw and replaced.
    replaced: BTreeSet<(Side, Field)>,
    /// The fields that somebody edited in the CRM.
    in_the_crm: BTreeSet<Field>,
    /// Somebody has saved the case in the CRM.
    pub case_saved: bool,
}

impl Edits {
    /// Somebody who saw `shown` on their side set the field to `value`. An edit back to what both sides agreed on before
    /// (`base`) is none: nothing tells it from never having edited.
    pub fn made(&mut self, side: Side, field: Field, shown: &str, value: &str, base: Option<&str>) {
        let other = if side == Side::Desk { Side::Crm } else { Side::Desk };
        if self.last.get(&(other, field)).is_some_and(|last| last == shown) {
            self.replaced.insert((other, field));
        }
        self.replaced.remove(&(side, field));
        if side == Side::Crm {
            self.in_the_crm.insert(field);
            self.case_saved = true;
        }
        if base == Some(value) {
            self.last.remove(&(side, field));
        } else {
            self.last.insert((side, field), value.to_owned());
        }
    }

    pub fn in_the_crm(&self, field: Field) -> bool {
        self.in_the_crm.contains(&field)
    }

    /// The edits that are not what both sides have in the end, though nobody meant to replace them.
    pub fn overruled(&self, field: Field, end: &str) -> impl Iterator<Item = (Side, &str)> {
        let of_field = self.last.iter().filter(move |((_, edited), _)| *edited == field);
        of_field
            .filter(move |(edit, value)| *value != end && !self.replaced.contains(edit))
            .map(|((side, _), value)| (*side, value.as_str()))
    }
}
