//! What happened to the clocks of a ticket. The ledger only grows; all figures are derived from it.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::clock::Clock;
use super::policy::{Basis, Metric};
use crate::kernel::{AccountId, DepartmentId, Priority, SlaPolicyId, text_enum};
use crate::workflow::SlaState;

text_enum! {
    /// What happened to a clock.
    EntryKind {
        /// It started.
        Activated = "activated",
        /// It started once more, for a ticket that was closed before.
        Reopened = "reopened",
        Paused = "paused",
        Resumed = "resumed",
        /// Nothing is expected any more: the ticket was closed without an answer, merged or deleted.
        Stopped = "stopped",
        /// What it measures has happened.
        Fulfilled = "fulfilled",
        /// It is measured by something else.
        PolicyChanged = "policy_changed",
        /// The ticket's own deadline counts, another one, or none any more.
        DeadlineChanged = "deadline_changed",
        /// It was told that little is left.
        Warned = "warned",
        /// It was told that it took too long.
        Breached = "breached",
    }
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub metric: Metric,
    pub cycle: i32,
    pub kind: EntryKind,
    pub at: DateTime<Utc>,
    pub detail: Value,
}

/// What the clocks know of their ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub priority: Option<Priority>,
    pub type_key: Option<String>,
    pub department_id: Option<DepartmentId>,
    pub account_id: Option<AccountId>,
    /// The policy that was attached to it.
    #[serde(default)]
    pub policy_id: Option<SlaPolicyId>,
    pub deadline: Option<DateTime<Utc>>,
    pub status: String,
    pub state: SlaState,
    /// Since when the status is reached, and means that.
    #[serde(default)]
    pub state_since: DateTime<Utc>,
    pub merged: bool,
    pub deleted: bool,
    /// The desk has said something to the customer.
    pub responded: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            priority: None,
            type_key: None,
            department_id: None,
            account_id: None,
            policy_id: None,
            deadline: None,
            status: String::new(),
            state: SlaState::NotStarted,
            state_since: DateTime::UNIX_EPOCH,
            merged: false,
            deleted: false,
            responded: false,
        }
    }
}

/// Who said something that the customer can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Desk,
    Customer,
}

/// A version of the ticket, as far as clocks care.
#[derive(Debug, Clone)]
pub struct Occurrence<'a> {
    pub at: DateTime<Utc>,
    /// `{field: {from, to}}`
    pub changes: &'a Map<String, Value>,
    pub reply: Option<Side>,
}

/// What clocks do in the state of their ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    NotStarted,
    On,
    Paused,
    Closed,
    Halted(&'static str),
}

impl Facts {
    fn run(&self) -> Run {
        match self.state {
            _ if self.deleted => Run::Halted("deleted"),
            _ if self.merged => Run::Halted("merged"),
            SlaState::NotStarted => Run::NotStarted,
            SlaState::Running => Run::On,
            SlaState::Paused => Run::Paused,
            SlaState::Stopped => Run::Closed,
        }
    }

    /// Takes over what changed; `state_of` tells what clocks do in a status.
    fn take(&mut self, what: &Occurrence<'_>, state_of: impl Fn(&str) -> SlaState) {
        let changes = what.changes;
        fn to<T: serde::de::DeserializeOwned>(
            changes: &Map<String, Value>,
            field: &str,
        ) -> Option<Option<T>> {
            let value = changes.get(field)?.get("to")?;
            Some(serde_json::from_value(value.clone()).ok())
        }
        if let Some(Some(status)) = to::<String>(changes, "status") {
            (self.state, self.state_since) = (state_of(&status), what.at);
            self.status = status;
        }
        self.priority = to(changes, "priority").unwrap_or(self.priority);
        self.type_key = to(changes, "type").unwrap_or(self.type_key.take());
        self.department_id = to(changes, "department_id").unwrap_or(self.department_id);
        self.account_id = to(changes, "account_id").unwrap_or(self.account_id);
        self.policy_id = to(changes, "sla_policy_id").unwrap_or(self.policy_id);
        self.deadline = to(changes, "deadline").unwrap_or(self.deadline);
        self.merged = to::<Value>(changes, "merged_into").map_or(self.merged, is_set);
        self.deleted = to::<Value>(changes, "deleted_at").map_or(self.deleted, is_set);
    }
}

fn is_set(value: Option<Value>) -> bool {
    value.is_some_and(|value| !value.is_null())
}

/// The clocks of one ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    pub facts: Facts,
    pub entries: Vec<Entry>,
}

impl Ledger {
    /// Records what the next version of the ticket means to its clocks; `policy` tells by what a ticket is measured. In one version
    /// the desk's reply counts first, then the status, then the customer's reply.
    pub fn record(
        &mut self,
        what: &Occurrence<'_>,
        state_of: impl Fn(&str) -> SlaState,
        policy: impl Fn(&Facts) -> Option<Basis>,
    ) {
        let at = self.entries.last().map_or(what.at, |last| last.at.max(what.at));
        self.facts.take(what, state_of);
        let basis = policy(&self.facts);
        self.rebase(at, basis);
        if what.reply == Some(Side::Desk) {
            self.facts.responded = true;
            for clock in self.open() {
                if clock.metric != Metric::Resolution {
                    self.push(&clock, EntryKind::Fulfilled, at, json!({}));
                }
            }
        }
        self.follow(at, basis);
        let waits = |clock: &Clock| clock.metric != Metric::Resolution;
        let expects = matches!(self.facts.run(), Run::On | Run::Paused);
        if what.reply == Some(Side::Customer) && expects && !self.open().iter().any(waits) {
            self.start(Metric::NextResponse, at, basis);
        }
    }

    /// The ticket's status means something else to open clocks from then on. When none is, nothing starts before the status changes.
    pub fn reinterpret(&mut self, state: SlaState, since: DateTime<Utc>, basis: Option<Basis>) {
        self.facts.state_since = since;
        if !self.open().is_empty() {
            self.facts.state = state;
            let at = self.entries.last().map_or(since, |last| last.at.max(since));
            self.rebase(at, basis);
            self.follow(at, basis);
        }
    }

    /// Open clocks are measured by this from now on.
    pub fn rebase(&mut self, at: DateTime<Utc>, basis: Option<Basis>) {
        for clock in self.open() {
            if clock.basis != basis {
                self.push(&clock, EntryKind::PolicyChanged, at, json!({ "basis": basis }));
            }
            if clock.metric == Metric::Resolution && clock.deadline != self.facts.deadline {
                let detail = json!({ "deadline": self.facts.deadline });
                self.push(&clock, EntryKind::DeadlineChanged, at, detail);
            }
        }
    }

    /// The clocks, each as its entries say.
    pub fn clocks(&self) -> Vec<Clock> {
        Clock::all(&self.entries)
    }

    /// Those from which something is expected, now or when a merge or a deletion is undone.
    fn open(&self) -> Vec<Clock> {
        self.clocks().into_iter().filter(|clock| !clock.is_over).collect()
    }

    /// Lets the clocks do what the ticket's state says.
    fn follow(&mut self, at: DateTime<Utc>, basis: Option<Basis>) {
        let run = self.facts.run();
        let because = json!({ "status": self.facts.status });
        for clock in self.open() {
            let (runs, halted) = (clock.running_since().is_some(), clock.ended_at.is_some());
            match run {
                Run::On if !runs => self.push(&clock, EntryKind::Resumed, at, because.clone()),
                Run::Paused if runs || halted => {
                    self.push(&clock, EntryKind::Paused, at, because.clone());
                }
                Run::Closed if clock.metric == Metric::Resolution => {
                    self.push(&clock, EntryKind::Fulfilled, at, because.clone());
                }
                Run::Closed => {
                    self.push(&clock, EntryKind::Stopped, at, json!({ "reason": "closed" }));
                }
                Run::Halted(reason) if !halted => {
                    self.push(&clock, EntryKind::Stopped, at, json!({ "reason": reason }));
                }
                _ => {}
            }
        }
        if !matches!(run, Run::On | Run::Paused) {
            return;
        }
        let clocks = self.clocks();
        let of = |metric| clocks.iter().filter(move |clock| clock.metric == metric);
        if of(Metric::Resolution).all(|clock| clock.is_over) {
            self.start(Metric::Resolution, at, basis);
        }
        if of(Metric::FirstResponse).count() == 0 && !self.facts.responded {
            self.start(Metric::FirstResponse, at, basis);
        }
    }

    /// Starts the metric's next clock, which may have to wait at once.
    fn start(&mut self, metric: Metric, at: DateTime<Utc>, basis: Option<Basis>) {
        let before = self.clocks().iter().filter(|clock| clock.metric == metric).count();
        let cycle = i32::try_from(before).unwrap_or(i32::MAX - 1) + 1;
        let kind = match metric {
            Metric::Resolution if cycle > 1 => EntryKind::Reopened,
            _ => EntryKind::Activated,
        };
        let status = json!({ "status": self.facts.status });
        let entry = |kind, detail| Entry { metric, cycle, kind, at, detail };
        self.entries.push(entry(kind, status.clone()));
        if basis.is_some() {
            self.entries.push(entry(EntryKind::PolicyChanged, json!({ "basis": basis })));
        }
        if metric == Metric::Resolution && self.facts.deadline.is_some() {
            let detail = json!({ "deadline": self.facts.deadline });
            self.entries.push(entry(EntryKind::DeadlineChanged, detail));
        }
        if self.facts.run() == Run::Paused {
            self.entries.push(entry(EntryKind::Paused, status));
        }
    }

    pub fn push(&mut self, clock: &Clock, kind: EntryKind, at: DateTime<Utc>, detail: Value) {
        let (metric, cycle) = (clock.metric, clock.cycle);
        self.entries.push(Entry { metric, cycle, kind, at, detail });
    }
}
