//! What a test does behind the API's back: people at work in the CRM, failures, time, and a look at what is stored.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::answer::Refusal;
use crate::faults::FaultRule;
use crate::journal::Call;
use crate::record::Record;
use crate::settings::Settings;
use crate::state::{API_USER, Crm};

/// The controls of a running CRM; all copies control the same one.
#[derive(Clone)]
pub struct Control(Arc<Mutex<Crm>>);

impl Control {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(Mutex::new(Crm::new(settings))))
    }

    pub(crate) fn crm(&self) -> MutexGuard<'_, Crm> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a record from an object of attributes, which may hold its `id`; returns the id.
    pub fn create(&self, module: &str, attributes: Value) -> Result<String, Refusal> {
        let attributes = object(attributes)?;
        let id = attributes.get("id").and_then(Value::as_str);
        self.crm().insert(module, id, &attributes, API_USER)
    }

    /// Creates records by module: `{"Users": [{"id": "...", "user_name": "..."}]}`.
    pub fn seed(&self, records: BTreeMap<String, Vec<Value>>) -> Result<(), Refusal> {
        for (module, rows) in records {
            for attributes in rows {
                self.create(&module, attributes)?;
            }
        }
        Ok(())
    }

    /// A person changes a record in the CRM.
    pub fn edit(
        &self,
        module: &str,
        id: &str,
        attributes: Value,
        user: &str,
    ) -> Result<(), Refusal> {
        let attributes = object(attributes)?;
        let mut crm = self.crm();
        let record = crm.row(module, id)?.clone();
        crm.save(module, record, &attributes, user)
    }

    /// A person deletes a record in the CRM; the notes of a case lose their parent.
    pub fn delete(&self, module: &str, id: &str) -> Result<(), Refusal> {
        let mut crm = self.crm();
        crm.row(module, id)?;
        if module == "Cases" {
            crm.orphan_notes(id);
        }
        crm.mark_deleted(module, id);
        Ok(())
    }

    /// A person writes a note on a case; returns the note's id.
    pub fn write_note(
        &self,
        case: &str,
        name: &str,
        description: &str,
        user: &str,
    ) -> Result<String, Refusal> {
        let mut crm = self.crm();
        crm.row("Cases", case)?;
        let note = object(json!({
            "name": name,
            "description": description,
            "parent_type": "Cases",
            "parent_id": case,
            "assigned_user_id": user,
        }))?;
        crm.insert("Notes", None, &note, user)
    }

    /// Every row of a module as stored, deleted ones too, in the order of their ids.
    pub fn records(&self, module: &str) -> Vec<Record> {
        self.crm().rows(module).cloned().collect()
    }

    /// One row as stored, deleted or not.
    pub fn record(&self, module: &str, id: &str) -> Option<Record> {
        self.crm().stored(module, id).cloned()
    }

    /// The ids of the contacts related to a case, oldest relation first.
    pub fn contacts_of(&self, case: &str) -> Vec<String> {
        self.crm().contacts_of(case)
    }

    /// The CRM has no such module.
    pub fn uninstall(&self, module: &str) {
        self.crm().uninstall(module);
    }

    /// A person takes a contact from a case; whether they were related.
    pub fn unrelate(&self, case: &str, contact: &str) -> bool {
        self.crm().unrelate(case, contact)
    }

    /// Sets how far the CRM's clock is ahead of the real one.
    pub fn set_clock_offset(&self, offset: TimeDelta) {
        self.crm().clock_offset = offset;
    }

    /// Makes every token that was issued until now invalid.
    pub fn revoke_tokens(&self) {
        self.crm().revoke_tokens();
    }

    /// Every call of the API takes at least so long.
    pub fn set_latency(&self, latency: Duration) {
        self.crm().latency = latency;
    }

    /// Adds a fault to the queue; of several that match a call, the oldest is used.
    pub fn fail(&self, rule: FaultRule) {
        self.crm().faults.push(rule);
    }

    /// The faults that no call has met yet.
    pub fn pending_faults(&self) -> Vec<FaultRule> {
        self.crm().faults.clone()
    }

    pub fn clear_faults(&self) {
        self.crm().faults.clear();
    }

    /// The calls of the API, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.crm().journal.calls()
    }

    /// How many calls of this method named this module.
    pub fn count(&self, method: &str, module: &str) -> u64 {
        self.crm().journal.count(method, module)
    }

    /// How many calls run now.
    pub fn running(&self) -> usize {
        self.crm().journal.running()
    }

    /// The most calls that ran at a time.
    pub fn most_at_a_time(&self) -> usize {
        self.crm().journal.most_running()
    }

    /// How many writes arrived while another write of the same record ran.
    pub fn overlapping_writes(&self) -> u64 {
        self.crm().journal.overlapping()
    }

    /// All counters, as `POST Cases`.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.crm().journal.counters()
    }

    /// Forgets the calls and starts counting anew.
    pub fn clear_calls(&self) {
        self.crm().journal.clear();
    }
}

fn object(attributes: Value) -> Result<Map<String, Value>, Refusal> {
    match attributes {
        Value::Object(attributes) => Ok(attributes),
        other => Err(Refusal::Invalid(format!("attributes are an object, not {other}"))),
    }
}
