//! What a test does behind the API's back: people at work in the CRM, failures, time, and a look at what is stored.
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::settings::{ADMIN, Settings};
use super::state::{Crm, Record};
use super::stream;
use crate::lab::Lab;

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

    /// The administrator creates a record from an object of attributes, which may hold its `id`; returns the id.
    pub fn create(&self, entity: &str, attributes: Value) -> Result<String, Refusal> {
        let attributes = object(attributes)?;
        let id = attributes.get("id").and_then(Value::as_str);
        self.crm().insert(entity, id, &attributes, ADMIN)
    }

    /// Creates records by entity: `{"User": [{"id": "...", "userName": "..."}]}`.
    pub fn seed(&self, records: BTreeMap<String, Vec<Value>>) -> Result<(), Refusal> {
        for (entity, rows) in records {
            for attributes in rows {
                self.create(&entity, attributes)?;
            }
        }
        Ok(())
    }

    /// A person changes a record in the CRM.
    pub fn edit(
        &self,
        entity: &str,
        id: &str,
        attributes: Value,
        user: &str,
    ) -> Result<(), Refusal> {
        self.crm().save(entity, id, &object(attributes)?, user, None)
    }

    /// A person deletes a record in the CRM.
    pub fn delete(&self, entity: &str, id: &str, user: &str) -> Result<(), Refusal> {
        self.crm().delete(entity, id, user)
    }

    /// A person posts in the stream of a case; returns the id of the entry.
    pub fn post(&self, case: &str, text: &str, user: &str) -> Result<String, Refusal> {
        let post = json!({ "type": "Post", "parentType": "Case", "parentId": case, "post": text });
        stream::post(&mut self.crm(), &object(post)?, user)
    }

    /// Every row of an entity as stored, deleted ones too, in the order of their ids.
    pub fn records(&self, entity: &str) -> Vec<Record> {
        self.crm().rows(entity).cloned().collect()
    }

    /// One row as stored, deleted or not.
    pub fn record(&self, entity: &str, id: &str) -> Option<Record> {
        self.crm().stored(entity, id).cloned()
    }

    /// The posts in the stream of a case, newest first.
    pub fn posts_of(&self, case: &str) -> Vec<Record> {
        let crm = self.crm();
        let entries = stream::of_case(&crm, case).into_iter();
        entries.filter(|entry| entry.text("type") == "Post").cloned().collect()
    }

    /// The ids of the contacts related to a case, oldest relation first.
    pub fn contacts_of(&self, case: &str) -> Vec<String> {
        self.crm().contacts_of(case)
    }

    /// Takes the key of the API user away, or gives it back.
    pub fn revoke_key(&self, revoked: bool) {
        self.crm().key_revoked = revoked;
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
        other => Err(Refusal::bad_request(format!("attributes are an object, not {other}"))),
    }
}
