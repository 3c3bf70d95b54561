//! The mirror at work, in steps as small as a crash can tell apart.
use super::super::*;
use super::steps::Fate;
use super::{World, kept};
use crate::crm::provenance::{Provenance, flag_reversals, give_up, note};

/// How far an attempt has come.
#[derive(Debug, Clone)]
pub(super) enum Attempt {
    Read { desk: Case, desk_version: u32, crm: Case, crm_version: u32 },
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

    pub(super) fn write(&mut self, push: &Case) {
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
}
