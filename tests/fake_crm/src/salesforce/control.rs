//! What a test does behind the API's back: people at work in the organization, failures, time, and a look at what is stored.
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::org::{Org, Record, RecordFault};
use super::refusal::Refusal;
use super::settings::Settings;
use crate::lab::Lab;

/// The controls of a running organization; all copies control the same one.
#[derive(Clone)]
pub struct Control {
    org: Arc<Mutex<Org>>,
    lab: Lab,
}

impl Control {
    pub(super) fn new(settings: Settings) -> Self {
        let lab = Lab::default();
        Self { org: Arc::new(Mutex::new(Org::new(settings, lab.clone()))), lab }
    }

    pub(super) fn org(&self) -> MutexGuard<'_, Org> {
        self.org.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Ends every session.
    pub fn revoke_tokens(&self) {
        self.org().end_sessions();
    }

    /// Sets how many calls were made in the last 24 hours.
    pub fn set_used_calls(&self, calls: u64) {
        self.org().used_calls = calls;
    }

    /// The next writes of a record whose JSON contains the text fail with this code: a validation rule, a locked row.
    pub fn fail_record(&self, contains: &str, code: &str, times: u32) {
        let (contains, code) = (contains.to_owned(), code.to_owned());
        self.org().record_faults.push(RecordFault { contains, code, times });
    }

    pub fn clear_record_faults(&self) {
        self.org().record_faults.clear();
    }
}

impl Deref for Control {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.lab
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
