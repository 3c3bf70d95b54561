//! The three-way merge of a case: what both sides last agreed on against what each has now.
//!
//! Pure. It needs no marks on our own writes: an echo comes back equal to the base and changes
//! nothing, and a write whose outcome we never learnt is found to agree at the next merge.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::case::{Altered, Case, Field, Owner, loss};
use crate::kernel::text_enum;

text_enum! {
    /// Who wins when both sides changed a field since they last agreed.
    #[derive(Default)]
    Policy {
        Crm = "crm",
        #[default]
        Desk = "desk",
        /// The side whose ticket or case was modified last; the desk when both stamps are equal.
        Latest = "latest",
        /// Nobody, until a person decides.
        Hold = "hold",
    }
}

/// The policies of fields that both sides may change; the default one where none is set.
pub type Policies = BTreeMap<Field, Policy>;

/// The owners of fields; a field's own default where none is set.
pub type Owners = BTreeMap<Field, Owner>;

/// What a connection says about each field.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub owners: Owners,
    pub policies: Policies,
    /// Who wins a field by somebody's decision, whatever the connection says.
    pub decided: BTreeMap<Field, Side>,
}

impl Rules {
    /// A field that somebody decided about is nobody's alone.
    pub fn owner(&self, field: Field) -> Owner {
        if self.decided.contains_key(&field) {
            return Owner::Both;
        }
        self.owners.get(&field).copied().unwrap_or_else(|| field.default_owner())
    }

    fn policy(&self, field: Field) -> Policy {
        self.policies.get(&field).copied().unwrap_or_default()
    }

    /// Whether the desk keeps its value to itself when it refuses the CRM's, until somebody decides.
    pub fn holds_refused(&self, field: Field) -> bool {
        match self.owner(field) {
            Owner::Crm => true,
            Owner::Both => !self.decided.contains_key(&field) && self.policy(field) == Policy::Hold,
            Owner::Desk => false,
        }
    }
}

/// When each side was last modified.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub desk: DateTime<Utc>,
    pub crm: DateTime<Utc>,
}

impl Times {
    /// The desk's time cut as the CRM cuts its own: to whole units of `seconds`. Else a minute's stamp would always seem the
    /// earlier one.
    pub fn cut(self, seconds: u32) -> Self {
        let unit = i64::from(seconds.max(1));
        let cut = self.desk.timestamp().div_euclid(unit) * unit;
        Self { desk: DateTime::from_timestamp(cut, 0).unwrap_or(self.desk), ..self }
    }
}

text_enum! {
    /// One of the two sides of the mirror.
    Side {
        Desk = "desk",
        Crm = "crm",
    }
}

/// Why a conflict was decided as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The field belongs to the desk; an edit in the CRM is written over.
    DeskOwned,
    /// The field belongs to the CRM; an edit at the desk is taken back.
    CrmOwned,
    /// The case existed before the two were linked; the desk wins.
    FirstLink,
    /// The CRM shows what it had before our write, which it may have lost; see [`super::provenance`].
    Reversal,
    /// The CRM shows what we sent without ever having an answer, but somebody else has saved the case since: it may be theirs.
    Unheard,
    Policy(Policy),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DeskOwned => f.write_str("desk_owned"),
            Self::CrmOwned => f.write_str("crm_owned"),
            Self::FirstLink => f.write_str("first_link"),
            Self::Reversal => f.write_str("reversal"),
            Self::Unheard => f.write_str("unheard"),
            Self::Policy(policy) => write!(f, "policy:{policy}"),
        }
    }
}

/// A field where one value had to give way, or has to once somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub field: Field,
    pub base: Option<String>,
    pub desk: String,
    pub crm: String,
    /// `None` while it is held.
    pub winner: Option<Side>,
    pub reason: Reason,
}

impl Conflict {
    /// The value that gave way; `None` while the conflict is held.
    pub fn loser(&self) -> Option<&str> {
        match self.winner? {
            Side::Desk => Some(&self.crm),
            Side::Crm => Some(&self.desk),
        }
    }
}

/// What is known to be the same on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The agreed value of each field, as the CRM returned it.
    pub base: Case,
    /// The fields where the CRM could not keep what the desk has. The desk's text counts as
    /// unchanged while it is what was sent; otherwise we would push it for ever.
    #[serde(default)]
    pub altered: BTreeMap<Field, Altered>,
}

impl Agreement {
    /// Records values that the desk took over from the CRM; call it in the same transaction.
    pub fn applied(&mut self, taken: &Case) {
        for (field, value) in taken.iter() {
            self.base.set(field, value);
            self.altered.remove(&field);
        }
    }

    /// Records a push: `sent` are the desk's values, `got` the case that the CRM returned.
    ///
    /// A value that is neither what we sent nor what is left of it was changed in the CRM just
    /// now, so the base keeps ours and the next merge sees an edit.
    pub fn pushed(&mut self, sent: &Case, got: &Case) {
        for (field, ours) in sent.iter() {
            let Some(theirs) = got.get(field) else { continue };
            self.altered.remove(&field);
            self.base.set(field, ours);
            if !field.is_text() {
                continue;
            }
            if let Some(altered) = loss(ours, theirs) {
                self.base.set(field, theirs);
                self.altered.insert(field, altered);
            }
        }
    }

    /// Records what arrived of a write whose answer was lost: a field that shows another value is not agreed on. Any of it may
    /// still arrive: what the CRM shows may be what somebody there chose, and not ours.
    pub fn recognize(&mut self, sent: &Case, shown: &Case) {
        let arrived = sent.iter().filter(|(field, ours)| {
            shown.get(*field).is_some_and(|theirs| {
                theirs == *ours || (field.is_text() && loss(ours, theirs).is_some())
            })
        });
        self.pushed(&arrived.collect(), shown);
    }

    /// Whether the CRM has the desk's `value`, as well as it can keep it.
    pub fn holds(&self, field: Field, value: &str) -> bool {
        self.base.get(field) == Some(self.as_kept(field, value))
    }

    /// What the CRM holds when it holds the desk's `value`.
    fn as_kept<'a>(&'a self, field: Field, value: &'a str) -> &'a str {
        match self.altered.get(&field) {
            Some(altered) if altered.sent == value => &altered.got,
            _ => value,
        }
    }
}

/// What is to be done so that both sides agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merge {
    /// Fields to change at the desk. Then call [`Agreement::applied`].
    pub apply_to_desk: Case,
    /// Fields to write to the CRM. Then call [`Agreement::pushed`].
    pub push: Case,
    pub conflicts: Vec<Conflict>,
    /// The agreement so far: without the fields still to be applied or pushed.
    pub agreement: Agreement,
}

/// Merges the fields that both sides have; a field that one side does not have is not mirrored.
///
/// A held conflict is reported again by every merge until one side gives way.
pub fn merge(agreement: &Agreement, desk: &Case, crm: &Case, rules: &Rules, times: Times) -> Merge {
    let mut merge = Merge { agreement: agreement.clone(), ..Merge::default() };
    for (field, ours) in desk.iter() {
        let Some(theirs) = crm.get(field) else { continue };
        let base = agreement.base.get(field);
        let kept = agreement.as_kept(field, ours);
        match decide(rules, field, base, kept, theirs, times) {
            Outcome::Agreed => {
                merge.agreement.base.set(field, theirs);
                if kept == ours {
                    merge.agreement.altered.remove(&field);
                }
            }
            Outcome::TakeCrm => merge.apply_to_desk.set(field, theirs),
            Outcome::Push => merge.push.set(field, ours),
            Outcome::Conflict(winner, reason) => {
                match winner {
                    Some(Side::Desk) => merge.push.set(field, ours),
                    Some(Side::Crm) => merge.apply_to_desk.set(field, theirs),
                    None => {}
                }
                merge.conflicts.push(Conflict {
                    field,
                    base: base.map(str::to_owned),
                    desk: ours.to_owned(),
                    crm: theirs.to_owned(),
                    winner,
                    reason,
                });
            }
        }
    }
    merge
}

enum Outcome {
    Agreed,
    TakeCrm,
    Push,
    Conflict(Option<Side>, Reason),
}

fn decide(
    rules: &Rules,
    field: Field,
    base: Option<&str>,
    desk: &str,
    crm: &str,
    times: Times,
) -> Outcome {
    if desk == crm {
        return Outcome::Agreed;
    }
    if let Some(winner) = rules.decided.get(&field) {
        let policy = match winner {
            Side::Desk => Policy::Desk,
            Side::Crm => Policy::Crm,
        };
        return Outcome::Conflict(Some(*winner), Reason::Policy(policy));
    }
    // Before the first agreement an empty value is one that nobody has set.
    let agreed = base.unwrap_or_default();
    let (desk_changed, crm_changed) = (desk != agreed, crm != agreed);
    match (rules.owner(field), desk_changed, crm_changed) {
        (Owner::Desk, _, true) => Outcome::Conflict(Some(Side::Desk), Reason::DeskOwned),
        (Owner::Crm, true, _) if base.is_some() || crm_changed => {
            Outcome::Conflict(Some(Side::Crm), Reason::CrmOwned)
        }
        (_, _, false) => Outcome::Push,
        (_, false, true) => Outcome::TakeCrm,
        (_, true, true) if base.is_none() => Outcome::Conflict(Some(Side::Desk), Reason::FirstLink),
        (_, true, true) => by_policy(rules.policy(field), times),
    }
}

fn by_policy(policy: Policy, times: Times) -> Outcome {
    let winner = match policy {
        Policy::Desk => Some(Side::Desk),
        Policy::Crm => Some(Side::Crm),
        Policy::Latest if times.crm > times.desk => Some(Side::Crm),
        Policy::Latest => Some(Side::Desk),
        Policy::Hold => None,
    };
    Outcome::Conflict(winner, Reason::Policy(policy))
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
