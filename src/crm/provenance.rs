//! Who set the value that both sides have, and what a value that comes back by itself means. Pure.
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::case::{Case, Field};
use super::merge::{Conflict, Merge, Reason, Side};

/// A value that is back so soon after our write may come from a save that had read the case before it.
const SOON: TimeDelta = TimeDelta::minutes(1);
/// Some CRMs cut their stamps to the minute.
const CUT: TimeDelta = TimeDelta::minutes(1);

/// Writes of which it is not known whether they will arrive, remembered for each field.
const UNARRIVED: usize = 8;

/// Who set the present value of a field, and by which rule both sides have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// Where it was set.
    pub side: Side,
    /// Who set it; null where that is not known.
    #[schema(example = "Sales clerk (SuiteCRM)")]
    pub by: Option<String>,
    /// When it was set, by the clock of that side.
    pub at: DateTime<Utc>,
    /// `pushed` or `taken` where that side alone had changed it, `agreed` where both had the same value, `restored`, `refused`
    /// where the desk refused the CRM's value, else the rule that decided a conflict, such as `policy:latest`.
    #[schema(example = "taken")]
    pub rule: String,
    /// What the other side had until then.
    #[schema(example = "P2")]
    pub replaced: Option<String>,
    /// When the mirror carried it to the other side, or began to.
    pub carried_at: DateTime<Utc>,
    /// The value returned to what it was before our write: the CRM may have lost that write.
    #[serde(default)]
    pub suspected_lost_update: bool,
    /// The mirror's last write of this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub written: Option<Written>,
    /// Values that were sent before this one and never seen to arrive; they still may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(ignore)]
    pub unarrived: Vec<String>,
}

/// A write of the mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// What the CRM had before.
    pub over: String,
    pub at: DateTime<Utc>,
}

/// By field.
pub type Provenances = BTreeMap<Field, Provenance>;

impl Provenance {
    /// Whether this value of the CRM is more likely our own past than somebody's edit.
    fn is_reversal(&self, value: &str, modified_at: DateTime<Utc>) -> bool {
        self.written.as_ref().is_some_and(|written| {
            written.over == value && (-SOON - CUT..=SOON).contains(&(modified_at - written.at))
        })
    }

    /// Whether this is an earlier write of ours that was given up, and arrives late.
    fn is_late(&self, value: &str) -> bool {
        self.unarrived.iter().any(|sent| sent == value)
    }
}

/// Records a conflict for each value of the CRM that would be taken over and is what it was before our write, or is an
/// earlier write of ours that arrives late: so that nothing of the desk disappears in silence. A version lock keeps other
/// writers from putting back what was before, but a late write of ours may still carry the version that is there.
pub fn flag_reversals(
    merge: &mut Merge,
    desk: &Case,
    provenances: &Provenances,
    modified_at: DateTime<Utc>,
    version_lock: bool,
) {
    for (field, theirs) in merge.apply_to_desk.iter() {
        let known = merge.conflicts.iter().any(|conflict| conflict.field == field);
        let reversed = provenances.get(&field).is_some_and(|provenance| {
            provenance.is_late(theirs)
                || !version_lock && provenance.is_reversal(theirs, modified_at)
        });
        if known || !reversed {
            continue;
        }
        merge.conflicts.push(Conflict {
            field,
            base: merge.agreement.base.get(field).map(str::to_owned),
            desk: desk.get(field).unwrap_or_default().to_owned(),
            crm: theirs.to_owned(),
            winner: Some(Side::Crm),
            reason: Reason::Reversal,
        });
    }
}

/// The conflicts to record if somebody else has saved the case since: values that were `sent` without an answer, are `shown` by
/// the CRM and so taken for ours, and are about to be written over. Somebody may have chosen the same.
pub fn unheard(merge: &Merge, sent: &Case, shown: &Case) -> Vec<Conflict> {
    let known = |field| merge.conflicts.iter().any(|conflict| conflict.field == field);
    let pushed = merge.push.iter().filter(|(field, _)| !field.is_text() && !known(*field));
    let unheard = pushed.filter_map(|(field, ours)| {
        let theirs = shown.get(field).filter(|theirs| sent.get(field) == Some(theirs))?;
        Some(Conflict {
            field,
            base: merge.agreement.base.get(field).map(str::to_owned),
            desk: ours.to_owned(),
            crm: theirs.to_owned(),
            winner: Some(Side::Desk),
            reason: Reason::Unheard,
        })
    });
    unheard.collect()
}

/// Remembers what was sent without an answer: it may still arrive.
pub fn give_up(provenances: &mut Provenances, sent: &Case) {
    for (field, value) in sent.iter() {
        let Some(provenance) = provenances.get_mut(&field).filter(|_| !field.is_text()) else {
            continue;
        };
        provenance.unarrived.retain(|known| known != value);
        provenance.unarrived.push(value.to_owned());
        let oldest = provenance.unarrived.len().saturating_sub(UNARRIVED);
        provenance.unarrived.drain(..oldest);
    }
}

/// Notes who set the value that a field has from now on; what is known of the mirror's own writes stays.
pub fn note(provenances: &mut Provenances, field: Field, set: Provenance) {
    let before = provenances.remove(&field);
    let pushed = set.side == Side::Desk && set.rule != "agreed" && !field.is_text();
    // What a case began with replaced nothing.
    let now = set.replaced.clone().map(|over| Written { over, at: set.carried_at });
    let earlier = before.as_ref().and_then(|before| before.written.clone());
    let written = if pushed { now } else { earlier };
    let unarrived = before.map(|before| before.unarrived).unwrap_or_default();
    provenances.insert(field, Provenance { written, unarrived, ..set });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::merge::{Agreement, Rules, Times, merge};

    fn priority(value: &str) -> Case {
        Case::from_iter([(Field::Priority, value)])
    }

    /// The desk wrote P1 over P2; the conflicts when the CRM then shows `theirs`, saved so many seconds later.
    fn seen(theirs: &str, seconds: i64) -> Vec<Conflict> {
        seen_with(false, theirs, seconds)
    }

    fn seen_with(version_lock: bool, theirs: &str, seconds: i64) -> Vec<Conflict> {
        let carried_at = DateTime::UNIX_EPOCH;
        let written = Provenance {
            side: Side::Desk,
            by: None,
            at: carried_at,
            rule: "pushed".into(),
            replaced: Some("P2".into()),
            carried_at,
            suspected_lost_update: false,
            written: None,
            unarrived: Vec::new(),
        };
        let modified_at = carried_at + TimeDelta::seconds(seconds);
        let agreement = Agreement { base: priority("P1"), ..Agreement::default() };
        let times = Times { desk: carried_at, crm: modified_at };
        let desk = priority("P1");
        let mut merge = merge(&agreement, &desk, &priority(theirs), &Rules::default(), times);
        let mut provenances = Provenances::new();
        note(&mut provenances, Field::Priority, written);
        give_up(&mut provenances, &priority("P0"));
        flag_reversals(&mut merge, &desk, &provenances, modified_at, version_lock);
        merge.conflicts
    }

    #[test]
    fn what_was_sent_without_an_answer_may_be_somebodys_choice_when_it_is_written_over() {
        let sent = priority("P0");
        let conflicts = |ours: &str, theirs: &str| {
            let mut agreement = Agreement { base: priority("P2"), ..Agreement::default() };
            agreement.recognize(&sent, &priority(theirs));
            let times = Times { desk: DateTime::UNIX_EPOCH, crm: DateTime::UNIX_EPOCH };
            let (desk, crm) = (priority(ours), priority(theirs));
            let merge = merge(&agreement, &desk, &crm, &Rules::default(), times);
            unheard(&merge, &sent, &crm)
        };
        let kept = conflicts("P1", "P0");
        assert_eq!((kept.len(), kept[0].reason), (1, Reason::Unheard));
        assert_eq!(kept[0].loser(), Some("P0"));
        assert_eq!(conflicts("P0", "P0"), [], "nothing is written over");
        assert_eq!(conflicts("P1", "P2"), [], "the write did not arrive");
    }

    #[test]
    fn a_value_that_is_back_within_a_minute_of_our_write_is_kept_as_a_conflict() {
        let flagged = seen("P2", 50);
        assert_eq!((flagged.len(), flagged[0].reason), (1, Reason::Reversal));
        assert_eq!(flagged[0].loser(), Some("P1"));
        assert_eq!(seen("P2", 61), []);
        assert_eq!(seen("P3", 5), [], "another value is somebody's edit");
    }

    #[test]
    fn a_write_that_was_given_up_and_arrives_late_is_kept_as_a_conflict_at_any_time() {
        assert_eq!(seen("P0", 3_600).len(), 1);
    }

    #[test]
    fn a_version_lock_keeps_others_from_putting_a_value_back_but_no_late_write_of_ours() {
        assert_eq!(seen_with(true, "P2", 50), []);
        assert_eq!(seen_with(true, "P0", 50).len(), 1);
    }
}
