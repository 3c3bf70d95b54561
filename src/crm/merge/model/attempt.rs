//! The mirror at work, in steps as small as a crash can tell apart.
use super::super::*;
use super::steps::Fate;
use super::{World, kept};
use crate::crm::provenance::{Provenance, flag_reversals, give_up, note, unheard};

/// How far an attempt has come.
#[derive(Debug, Clone)]
pub(super) enum Attempt {
    Read { desk: Case, desk_version: u32, crm: Case, crm_version: u32, by_another: bool },
    Settled { push: Case, crm_version: u32 },
    Written { push: Case, got: Case },
}

impl World {
    pub(super) fn attempt(&mut self) {
        self.attempt = None;
        for _ in 0..4 {
            self.go_on(Fate::Answered);
        }
    }

    pub(super) fn go_on(&mut self, fate: Fate) {
        self.attempt = match self.attempt.take() {
            None => Some(self.read()),
            Some(Attempt::Read { desk, desk_version, crm, crm_version, by_another }) => {
                self.settle(desk, desk_version, (crm, crm_version, by_another))
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
            by_another: self.saved_by_another,
        }
    }

    /// One transaction: the desk's changes, conflicts, the agreement, what will be sent. `None` ends the attempt.
    fn settle(
        &mut self,
        desk: Case,
        version: u32,
        (crm, crm_version, by_another): (Case, u32, bool),
    ) -> Option<Attempt> {
        let mut agreement = self.agreement.clone();
        agreement.recognize(&self.sent, &crm);
        let mut rules = self.rules.clone();
        rules.decided.clone_from(&self.decided);
        let times = Times { desk: self.now(), crm: self.now() };
        let mut merge = merge(&agreement, &desk, &crm, &rules, times);
        flag_reversals(&mut merge, &desk, &self.provenances, self.now(), self.locks);
        if by_another {
            merge.conflicts.extend(unheard(&merge, &self.sent, &crm));
        }
        if !merge.apply_to_desk.is_empty() && version != self.desk_version {
            return None;
        }
        give_up(&mut self.provenances, &self.sent);
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
        for (field, value) in desk.iter().filter(|(field, value)| crm.get(*field) == Some(value)) {
            self.take_news(field, value);
        }
        for (field, value) in taken.iter() {
            self.check_desk(field, desk.get(field).unwrap(), value);
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
            written: None,
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

    pub(super) fn write(&mut self, push: &Case) {
        self.crm_version += 1;
        self.saved_by_another = false;
        for (field, value) in push.iter() {
            self.writes += 1;
            let old = self.crm.get(field).unwrap().to_owned();
            self.check_crm(field, &old, value);
            self.news.remove(&field);
            self.crm.set(field, kept(field, value));
            self.ours.push((field, kept(field, value).to_owned()));
            self.before.insert(field, old);
        }
    }

    /// A value of the desk gives way to news from the CRM, or is in a recorded conflict.
    fn check_desk(&mut self, field: Field, old: &str, new: &str) {
        let agreed = self.agreement.base.get(field).unwrap_or_default() == old;
        let followed = self.take_news(field, new) && agreed;
        assert!(
            followed || self.is_lost(field, old),
            "{field}: the desk's {old:?} gave way in silence"
        );
    }

    /// Whether people wrote this in the CRM; it is no news any more, nor is what they wrote before.
    fn take_news(&mut self, field: Field, value: &str) -> bool {
        let news = self.news.entry(field).or_default();
        let at = news.iter().rposition(|new| new == value);
        news.drain(..at.map_or(0, |at| at + 1));
        at.is_some()
    }

    /// A value of the CRM that is written over was agreed on, or is in a recorded conflict, or was the mirror's own. What
    /// people wrote is not the mirror's own because it wrote the same.
    fn check_crm(&self, field: Field, old: &str, new: &str) {
        let agreed = self.agreement.base.get(field).unwrap_or_default() == old;
        let own = self.ours.iter().any(|(of, value)| *of == field && value == old);
        let known = agreed || own || self.is_lost(field, old);
        let news =
            !field.is_text() && self.news.get(&field).is_some_and(|n| n.iter().any(|n| n == old));
        let theirs = news && old != new && !old.is_empty();
        let silent = !known || theirs && !self.is_lost(field, old);
        assert!(!silent, "{field}: the CRM's {old:?} gave way in silence");
    }

    fn is_lost(&self, field: Field, value: &str) -> bool {
        self.lost.iter().any(|(of, lost)| *of == field && lost == value)
    }
}
