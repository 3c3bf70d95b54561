//! What a test does behind the API's back: people at work in the organization, failures, time, and a look at what is stored.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::org::{Org, Record, RecordFault};
use super::refusal::Refusal;
use super::settings::Settings;
use crate::faults::FaultRule;
use crate::journal::Call;

/// The controls of a running organization; all copies control the same one.
#[derive(Clone)]
pub struct Control(Arc<Mutex<Org>>);

impl Control {
    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(Mutex::new(Org::new(settings))))
    }

    pub(super) fn org(&self) -> MutexGuard<'_, Org> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user whom the API's client runs as.
    pub fn api_user(&self) -> String {
        self.org().api_user.clone()
    }

    /// Creates a record from an object of fields; returns its id.
    pub fn create(&self, object: &str, fields: Value) -> Result<String, Refusal> {
        let fields = map(fields)?;
        let mut org = self.org();
        let user = org.api_user.clone();
        org.insert(object, &fields, &user)
    }

    /// Creates records by object: `{"User": [{"LastName": "..."}]}`.
    pub fn seed(&self, records: BTreeMap<String, Vec<Value>>) -> Result<(), Refusal> {
        for (object, rows) in records {
            for fields in rows {
                self.create(&object, fields)?;
            }
        }
        Ok(())
    }

    /// A person changes a record.
    pub fn edit(&self, object: &str, id: &str, fields: Value, user: &str) -> Result<(), Refusal> {
        let fields = map(fields)?;
        let mut org = self.org();
        let object = org.object(object)?.name;
        let record = org.row(object, id)?.clone();
        org.save(object, record, &fields, user)
    }

    /// A person deletes a record; the comments of a case go with it.
    pub fn delete(&self, object: &str, id: &str) -> Result<(), Refusal> {
        let mut org = self.org();
        let user = org.api_user.clone();
        org.delete(object, id, &user)
    }

    /// Empties the recycle bin.
    pub fn purge(&self) {
        self.org().purge();
    }

    /// A person writes a comment on a case; returns its id.
    pub fn write_comment(&self, case: &str, body: &str, user: &str) -> Result<String, Refusal> {
        let fields = map(json!({ "ParentId": case, "CommentBody": body }))?;
        self.org().insert("CaseComment", &fields, user)
    }

    /// Every record of an object, deleted ones too, in the order of their ids.
    pub fn records(&self, object: &str) -> Vec<Record> {
        self.org().rows(object).cloned().collect()
    }

    /// One record, deleted or not.
    pub fn record(&self, object: &str, id: &str) -> Option<Record> {
        self.org().stored(object, id).cloned()
    }

    /// Sets how far the organization's clock is ahead of the real one.
    pub fn set_clock_offset(&self, offset: TimeDelta) {
        self.org().clock_offset = offset;
    }

    /// Ends every session.
    pub fn revoke_tokens(&self) {
        self.org().end_sessions();
    }

    /// Sets how many calls were made in the last 24 hours.
    pub fn set_used_calls(&self, calls: u64) {
        self.org().used_calls = calls;
    }

    /// Every call of the API takes at least so long.
    pub fn set_latency(&self, latency: Duration) {
        self.org().latency = latency;
    }

    /// Adds a fault to the queue; of several that match a call, the oldest is used.
    pub fn fail(&self, rule: FaultRule) {
        self.org().faults.push(rule);
    }

    /// The next writes of a record whose JSON contains the text fail with this code: a validation rule, a locked row.
    pub fn fail_record(&self, contains: &str, code: &str, times: u32) {
        let (contains, code) = (contains.to_owned(), code.to_owned());
        self.org().record_faults.push(RecordFault { contains, code, times });
    }

    /// The faults that no call has met yet.
    pub fn pending_faults(&self) -> Vec<FaultRule> {
        self.org().faults.clone()
    }

    pub fn clear_faults(&self) {
        let mut org = self.org();
        org.faults.clear();
        org.record_faults.clear();
    }

    /// The calls of the API, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.org().journal.calls()
    }

    /// How many calls of this method named this object.
    pub fn count(&self, method: &str, object: &str) -> u64 {
        self.org().journal.count(method, object)
    }

    /// All counters, as `PATCH Case`.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.org().journal.counters()
    }

    /// Forgets the calls and starts counting anew.
    pub fn clear_calls(&self) {
        self.org().journal.clear();
    }
}

fn map(fields: Value) -> Result<Map<String, Value>, Refusal> {
    match fields {
        Value::Object(fields) => Ok(fields),
        other => {
            Err(Refusal::bad("JSON_PARSER_ERROR", format!("fields are an object, not {other}")))
        }
    }
}
