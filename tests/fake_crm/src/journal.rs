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
    /// The calls that have not ended, by number, each with the record that it writes.
    running: BTreeMap<usize, Option<String>>,
    most_running: usize,
    overlapping: u64,
}

impl Journal {
    /// Notes a call that has arrived; returns its number for [`Journal::ended`].
    pub fn arrived(&mut self, call: Call) -> usize {
        *self.counters.entry((call.method.clone(), call.module.clone())).or_default() += 1;
        let record = written(&call);
        if record.is_some() && self.running.values().any(|other| *other == record) {
            self.overlapping += 1;
        }
        self.running.insert(self.forgotten + self.calls.len(), record);
        self.most_running = self.most_running.max(self.running.len());
        self.calls.push_back(call);
        if self.calls.len() > KEPT_CALLS {
            self.calls.pop_front();
            self.forgotten += 1;
        }
        self.forgotten + self.calls.len() - 1
    }

    /// The call was answered, or its connection was broken.
    pub fn ended(&mut self, number: usize, status: Option<u16>) {
        self.running.remove(&number);
        let position = number.checked_sub(self.forgotten);
        if let Some(call) = position.and_then(|position| self.calls.get_mut(position)) {
            call.status = status;
        }
    }

    /// How many calls run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    /// How many calls of this method named this module.
    pub fn count(&self, method: &str, module: &str) -> u64 {
        self.counters.get(&(method.to_owned(), module.to_owned())).copied().unwrap_or(0)
    }

    /// The most calls that ran at a time.
    pub fn most_running(&self) -> usize {
        self.most_running
    }

    /// How many writes arrived while another write of the same record ran.
    pub fn overlapping(&self) -> u64 {
        self.overlapping
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
        (self.most_running, self.overlapping) = (self.running.len(), 0);
    }
}

/// The record that a call writes, by the path or else by the body.
fn written(call: &Call) -> Option<String> {
    if call.method == "GET" || call.module.is_empty() {
        return None;
    }
    let path = call.path.split('?').next().unwrap_or_default();
    let in_path = path.split('/').nth(5).map(str::to_owned);
    in_path.or_else(|| {
        let body: serde_json::Value = serde_json::from_str(&call.body).ok()?;
        Some(body["data"]["id"].as_str()?.to_owned())
    })
}
