//! What a test does behind the API's back: people at work in the CRM, failures, time, and a look at what is stored.
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use crate::answer::Refusal;
use crate::lab::Lab;
use crate::record::Record;
use crate::settings::Settings;
use crate::state::{API_USER, Crm};

/// The controls of a running CRM; all copies control the same one.
#[derive(Clone)]
pub struct Control {
    crm: Arc<Mutex<Crm>>,
    lab: Lab,
}

impl Control {
    pub(crate) fn new(settings: Settings) -> Self {
        let lab = Lab::default();
        Self { crm: Arc::new(Mutex::new(Crm::new(settings, lab.clone()))), lab }
    }

    pub(crate) fn crm(&self) -> MutexGuard<'_, Crm> {
        self.crm.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Makes every token that was issued until now invalid.
    pub fn revoke_tokens(&self) {
        self.crm().revoke_tokens();
    }
}

impl Deref for Control {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.lab
    }
}

fn object(attributes: Value) -> Result<Map<String, Value>, Refusal> {
    match attributes {
        Value::Object(attributes) => Ok(attributes),
        other => Err(Refusal::Invalid(format!("attributes are an object, not {other}"))),
    }
}
