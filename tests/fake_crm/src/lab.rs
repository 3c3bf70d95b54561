//! What every CRM here has beside the CRM itself: a clock that can be wrong, delays, failures on order, and a journal.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::faults::{self, Fault, FaultRule};
use crate::journal::{Call, Journal};

/// The conditions that a CRM runs under; all copies are of the same one.
#[derive(Clone, Default)]
pub struct Lab(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    clock_offset: TimeDelta,
    latency: Duration,
    faults: Vec<FaultRule>,
    journal: Journal,
}

impl Lab {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The CRM's clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.checked_add_signed(self.state().clock_offset).unwrap_or(now)
    }

    /// A call has arrived: its number for [`Lab::ended`], what goes wrong with it, and how long it takes at least.
    pub(crate) fn arrived(&self, call: Call) -> (usize, Option<Fault>, Duration) {
        let mut state = self.state();
        let fault = faults::take(&mut state.faults, &call);
        (state.journal.arrived(call), fault, state.latency)
    }

    /// The call was answered, or its connection was broken.
    pub(crate) fn ended(&self, number: usize, status: Option<u16>) {
        self.state().journal.ended(number, status);
    }

    /// Sets how far the CRM's clock is ahead of the real one.
    pub fn set_clock_offset(&self, offset: TimeDelta) {
        self.state().clock_offset = offset;
    }

    /// Every call of the API takes at least so long.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Adds a fault to the queue; of several that match a call, the oldest is used.
    pub fn fail(&self, rule: FaultRule) {
        self.state().faults.push(rule);
    }

    /// The faults that no call has met yet.
    pub fn pending_faults(&self) -> Vec<FaultRule> {
        self.state().faults.clone()
    }

    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// The calls of the API, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state().journal.calls()
    }

    /// How many calls of this method named this module.
    pub fn count(&self, method: &str, module: &str) -> u64 {
        self.state().journal.count(method, module)
    }

    /// How many calls run now.
    pub fn running(&self) -> usize {
        self.state().journal.running()
    }

    /// The most calls that ran at a time. A call whose connection was broken runs for ever.
    pub fn most_at_a_time(&self) -> usize {
        self.state().journal.most_running()
    }

    /// How many writes arrived while another write of the same record ran.
    pub fn overlapping_writes(&self) -> u64 {
        self.state().journal.overlapping()
    }

    /// All counters, as `POST Cases`.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.state().journal.counters()
    }

    /// Forgets the calls and starts counting anew.
    pub fn clear_calls(&self) {
        self.state().journal.clear();
    }
}
