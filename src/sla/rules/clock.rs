//! The figures of a clock, derived from its part of the ledger.
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::calendar::BusinessHours;
use super::ledger::{Entry, EntryKind};
use super::policy::{Basis, Metric, Target, TimeKind};
use crate::kernel::text_enum;

text_enum! {
    /// What a clock does.
    ClockState {
        Running = "running",
        Paused = "paused",
        /// Nothing is expected any more.
        Stopped = "stopped",
        /// What it measures has happened.
        Fulfilled = "fulfilled",
    }
}

/// A part of a clock's life, in which it ran or did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    pub from: DateTime<Utc>,
    /// `None`: it lasts.
    pub until: Option<DateTime<Utc>>,
    pub runs: bool,
    /// What the entry says that began it.
    pub because: Value,
}

/// A clock, as its entries say.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    pub metric: Metric,
    pub cycle: i32,
    pub state: ClockState,
    pub started_at: DateTime<Utc>,
    /// When it was fulfilled or stopped.
    pub ended_at: Option<DateTime<Utc>>,
    /// It ended for good: no merge or deletion is to be undone.
    pub is_over: bool,
    pub basis: Option<Basis>,
    /// The ticket's own, which overrides the target.
    pub deadline: Option<DateTime<Utc>>,
    pub stretches: Vec<Stretch>,
    /// When a warning and when a breach was last told.
    pub warned: Option<DateTime<Utc>>,
    pub breached: Option<DateTime<Utc>>,
}

impl Clock {
    /// Every clock of a ledger, in the order in which they started.
    pub fn all(entries: &[Entry]) -> Vec<Self> {
        let mut clocks: Vec<Self> = Vec::new();
        for entry in entries {
            let is_of =
                |clock: &&mut Self| (clock.metric, clock.cycle) == (entry.metric, entry.cycle);
            match clocks.iter_mut().rev().find(is_of) {
                Some(clock) => clock.take(entry),
                None => clocks.push(Self::started(entry)),
            }
        }
        clocks
    }

    fn started(entry: &Entry) -> Self {
        let first =
            Stretch { from: entry.at, until: None, runs: true, because: entry.detail.clone() };
        Self {
            metric: entry.metric,
            cycle: entry.cycle,
            state: ClockState::Running,
            started_at: entry.at,
            ended_at: None,
            is_over: false,
            basis: None,
            deadline: None,
            stretches: vec![first],
            warned: None,
            breached: None,
        }
    }

    fn take(&mut self, entry: &Entry) {
        let part = |field: &str| entry.detail.get(field).cloned().unwrap_or_default();
        match entry.kind {
            EntryKind::Activated | EntryKind::Reopened => {}
            EntryKind::Paused => self.turn(ClockState::Paused, entry),
            EntryKind::Resumed => self.turn(ClockState::Running, entry),
            EntryKind::Stopped => {
                self.turn(ClockState::Stopped, entry);
                self.is_over = part("reason") == "closed";
            }
            EntryKind::Fulfilled => {
                self.turn(ClockState::Fulfilled, entry);
                self.is_over = true;
            }
            EntryKind::PolicyChanged => self.basis = serde_json::from_value(part("basis")).ok(),
            EntryKind::DeadlineChanged => {
                self.deadline = serde_json::from_value(part("deadline")).ok();
            }
            EntryKind::Warned => self.warned = Some(entry.at),
            EntryKind::Breached => self.breached = Some(entry.at),
        }
    }

    fn turn(&mut self, state: ClockState, entry: &Entry) {
        if let Some(last) = self.stretches.last_mut() {
            last.until.get_or_insert(entry.at);
        }
        self.state = state;
        let ended = matches!(state, ClockState::Stopped | ClockState::Fulfilled);
        self.ended_at = ended.then_some(entry.at);
        let runs = state == ClockState::Running;
        if state != ClockState::Fulfilled {
            let because = entry.detail.clone();
            self.stretches.push(Stretch { from: entry.at, until: None, runs, because });
        }
    }

    pub fn running_since(&self) -> Option<DateTime<Utc>> {
        self.stretches.last().filter(|last| last.runs && last.until.is_none()).map(|last| last.from)
    }

    /// The stretches in which it ran. Of what is fulfilled the last has no end: it tells what was due.
    fn runs(&self) -> impl Iterator<Item = (DateTime<Utc>, Option<DateTime<Utc>>)> {
        let open = (self.state == ClockState::Fulfilled).then(|| self.stretches.len() - 1);
        let runs = self.stretches.iter().enumerate().filter(|(_, stretch)| stretch.runs);
        runs.map(move |(place, run)| (run.from, run.until.filter(|_| Some(place) != open)))
    }
}

/// By what a clock is measured.
#[derive(Debug, Clone, Copy)]
pub struct Yardstick<'a> {
    pub target: &'a Target,
    pub hours: &'a BusinessHours,
}

impl Yardstick<'_> {
    /// What counts of a span.
    pub fn measure(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
        match self.target.time {
            TimeKind::Business => self.hours.between(from, until),
            TimeKind::Calendar => (until - from).max(TimeDelta::zero()),
        }
    }

    fn advance(&self, from: DateTime<Utc>, time: TimeDelta) -> Option<DateTime<Utc>> {
        match self.target.time {
            TimeKind::Business => self.hours.add(from, time),
            TimeKind::Calendar => Some(from + time),
        }
    }

    /// When so much has counted, if it was or will be without another pause.
    fn reached(&self, clock: &Clock, time: TimeDelta) -> Option<DateTime<Utc>> {
        let mut left = time;
        for (from, until) in clock.runs() {
            let reached = self.advance(from, left);
            let Some(until) = until else { return reached };
            if reached.is_some_and(|reached| reached < until) {
                return reached;
            }
            left -= self.measure(from, until);
        }
        None
    }
}

/// What is to be said of a clock at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// What has counted.
    pub elapsed: TimeDelta,
    /// What is left; negative when it took too long; `None` without a target.
    pub remaining: Option<TimeDelta>,
    /// `None` while it is paused, unless it was missed before.
    pub due_at: Option<DateTime<Utc>>,
    pub warn_at: Option<DateTime<Utc>>,
    /// When it was missed, if it was.
    pub breached_at: Option<DateTime<Utc>>,
    /// When something is to be told that was not told yet.
    pub check_at: Option<DateTime<Utc>>,
}

impl Clock {
    /// Derives what is to be said of the clock at `now`, which is not before its last entry.
    pub fn figures(&self, yardstick: Option<&Yardstick<'_>>, now: DateTime<Utc>) -> Figures {
        let measure = |from: DateTime<Utc>, until: DateTime<Utc>| match yardstick {
            Some(yardstick) => yardstick.measure(from, until),
            None => (until - from).max(TimeDelta::zero()),
        };
        let ran = self.stretches.iter().filter(|stretch| stretch.runs);
        let elapsed = ran.map(|run| measure(run.from, run.until.unwrap_or(now)));
        let elapsed = elapsed.fold(TimeDelta::zero(), |sum, part| sum + part);
        let warn_before = yardstick.and_then(|one| one.target.warn_before).map(|one| one.time());
        let (remaining, due_at, warn_at) = match (self.deadline, yardstick) {
            (Some(deadline), _) => {
                let then = self.ended_at.unwrap_or(now);
                let left = measure(then, deadline) - measure(deadline, then);
                let stopped = self.state == ClockState::Stopped && Some(deadline) >= self.ended_at;
                let due = (!stopped).then_some(deadline);
                (Some(left), due, warn_before.map(|before| deadline - before))
            }
            (None, Some(yardstick)) => {
                let within = yardstick.target.within.time();
                let warn_at =
                    warn_before.and_then(|before| yardstick.reached(self, within - before));
                (Some(within - elapsed), yardstick.reached(self, within), warn_at)
            }
            (None, None) => (None, None, None),
        };
        let missed = |due: &DateTime<Utc>| *due < self.ended_at.unwrap_or(now);
        let breached_at = due_at.filter(missed);
        let check_at = self.to_be_told(due_at, warn_at);
        Figures { elapsed, remaining, due_at, warn_at, breached_at, check_at }
    }

    /// A breach that was told before the clock was due, by an earlier policy, does not count; neither does such a warning.
    fn to_be_told(
        &self,
        due_at: Option<DateTime<Utc>>,
        warn_at: Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let untold = |at: Option<DateTime<Utc>>, told: Option<DateTime<Utc>>| {
            at.filter(|at| told.is_none_or(|told| told < *at))
        };
        let due = untold(due_at, self.breached);
        if let Some(ended) = self.ended_at {
            return due.filter(|due| *due < ended);
        }
        if due.is_none() && due_at.is_some() {
            return None;
        }
        let warn = untold(warn_at, self.warned.max(self.breached));
        due.into_iter().chain(warn).min()
    }
}
