//! The three-way merge of a case: what both sides last agreed on against what each has now.
//!
//! Pure. It needs no marks on our own writes: an echo comes back equal to the base and changes
//! nothing, and a write whose outcome we never learnt is found to agree at the next merge.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::case::{Altered, Case, Field, loss};
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

/// The policy of each two-way field; the default one where none is set.
pub type Policies = BTreeMap<Field, Policy>;

/// When each side was last modified.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub desk: DateTime<Utc>,
    pub crm: DateTime<Utc>,
}

text_enum! {
    /// One of the two sides of the mirror.
    Side {
        Desk = "desk",
        Crm = "crm",
    }
}

/// Why a conflict was decided as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The field belongs to the desk; an edit in the CRM is written over.
    DeskOwned,
    /// The case existed before the two were linked; the desk wins.
    FirstLink,
    Policy(Policy),
}

/// A field where one value had to give way, or has to once somebody decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
            // Only text is ever altered: an id or an enum value that differs is an edit.
            if field.two_way() {
                continue;
            }
            if let Some(altered) = loss(ours, theirs) {
                self.base.set(field, theirs);
                self.altered.insert(field, altered);
            }
        }
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
pub fn merge(
    agreement: &Agreement,
    desk: &Case,
    crm: &Case,
    policies: &Policies,
    times: Times,
) -> Merge {
    let mut merge = Merge { agreement: agreement.clone(), ..Merge::default() };
    for (field, ours) in desk.iter() {
        let Some(theirs) = crm.get(field) else { continue };
        let base = agreement.base.get(field);
        let kept = agreement.as_kept(field, ours);
        let policy = policies.get(&field).copied().unwrap_or_default();
        match decide(field, base, kept, theirs, policy, times) {
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
    field: Field,
    base: Option<&str>,
    desk: &str,
    crm: &str,
    policy: Policy,
    times: Times,
) -> Outcome {
    if desk == crm {
        return Outcome::Agreed;
    }
    // Before the first agreement an empty value is one that nobody has set.
    let agreed = base.unwrap_or_default();
    if crm == agreed {
        return Outcome::Push;
    }
    if !field.two_way() {
        return Outcome::Conflict(Some(Side::Desk), Reason::DeskOwned);
    }
    if desk == agreed {
        return Outcome::TakeCrm;
    }
    if base.is_none() {
        return Outcome::Conflict(Some(Side::Desk), Reason::FirstLink);
    }
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
mod tests;
