//! What the CRM was asked and what it answered.
use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// Older calls are forgotten; the counters keep counting.
const KEPT_CALLS: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    pub method: String,
    /// With the query.
    pub path: String,
    /// The module that the path or the body names; empty for a token.
    pub module: String,
    /// Empty for a token, whose body is a secret.
    pub body: String,
    /// `None` while the call runs, and for ever where the connection was broken.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
pub struct Journal {
    calls: VecDeque<Call>,
    forgotten: usize,
    counters: BTreeMap<(String, String), u64>,
}

impl Journal {
    /// Notes a call that has arrived; returns its number for [`Journal::answered`].
    pub fn arrived(&mut self, call: Call) -> usize {
        *self.counters.entry((call.method.clone(), call.module.clone())).or_default() += 1;
        self.calls.push_back(call);
        if self.calls.len() > KEPT_CALLS {
            self.calls.pop_front();
            self.forgotten += 1;
        }
        self.forgotten + self.calls.len() - 1
    }

    pub fn answered(&mut self, number: usize, status: u16) {
        let position = number.checked_sub(self.forgotten);
        if let Some(call) = position.and_then(|position| self.calls.get_mut(position)) {
            call.status = Some(status);
        }
    }

    /// Oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    /// How many calls of this method named this module.
    pub fn count(&self, method: &str, module: &str) -> u64 {
        self.counters.get(&(method.to_owned(), module.to_owned())).copied().unwrap_or(0)
    }

    /// All counters, as `POST Cases`.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let name = |(method, module): &(String, String)| format!("{method} {module}");
        self.counters.iter().map(|(key, count)| (name(key), *count)).collect()
    }

    /// Forgets the calls and starts counting anew.
    pub fn clear(&mut self) {
        self.forgotten += self.calls.len();
        self.calls.clear();
        self.counters.clear();
    }
}
