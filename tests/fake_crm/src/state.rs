//! The CRM's database and its rules: everything that a caller can change is in here.
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::answer::Refusal;
use crate::lab::Lab;
use crate::modules::{self, Module, stored_time};
use crate::record::Record;
use crate::settings::Settings;

/// The user whom the API's client acts as; exists from the start, as in every SuiteCRM.
pub const API_USER: &str = "1";

pub struct Crm {
    pub settings: Settings,
    lab: Lab,
    modules: Vec<Module>,
    /// By module, then by id, the order of an unsorted list.
    rows: HashMap<&'static str, BTreeMap<String, Record>>,
    /// By case: the ids of the contacts related to it.
    contacts: HashMap<String, Vec<String>>,
    /// By token: when it expires.
    tokens: HashMap<String, DateTime<Utc>>,
    last_case_number: u32,
}

impl Crm {
    pub fn new(settings: Settings, lab: Lab) -> Self {
        let mut crm = Self {
            modules: modules::all(&settings.custom_case_fields),
            settings,
            lab,
            rows: HashMap::new(),
            contacts: HashMap::new(),
            tokens: HashMap::new(),
            last_case_number: 0,
        };
        let mut admin = Record { id: API_USER.into(), ..Record::default() };
        let now = stored_time(crm.now());
        for (field, value) in [
            ("user_name", "admin"),
            ("last_name", "Administrator"),
            ("status", "Active"),
            ("is_admin", "1"),
            ("date_entered", &now),
            ("date_modified", &now),
        ] {
            admin.set(field, value);
        }
        crm.store("Users", admin);
        crm
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.lab.now()
    }

    pub fn module(&self, name: &str) -> Result<&Module, Refusal> {
        self.modules
            .iter()
            .find(|module| module.name == name)
            .ok_or_else(|| Refusal::Invalid(format!("Module {name} does not exist")))
    }

    pub fn uninstall(&mut self, name: &str) {
        self.modules.retain(|module| module.name != name);
    }

    /// All rows of a module, deleted ones too.
    pub fn rows(&self, module: &str) -> impl Iterator<Item = &Record> {
        self.rows.get(module).into_iter().flat_map(BTreeMap::values)
    }

    /// A row, deleted or not.
    pub fn stored(&self, module: &str, id: &str) -> Option<&Record> {
        self.rows.get(module)?.get(id)
    }

    /// A row that is not deleted.
    pub fn row(&self, module: &str, id: &str) -> Result<&Record, Refusal> {
        self.stored(module, id)
            .filter(|record| !record.deleted)
            .ok_or_else(|| Refusal::Invalid(format!("{module} module with id {id} is not found")))
    }

    /// Inserts a row under `id` or a new one. An id stays taken when its row is deleted.
    pub fn insert(
        &mut self,
        module: &str,
        id: Option<&str>,
        attributes: &Map<String, Value>,
        user: &str,
    ) -> Result<String, Refusal> {
        if let Some(id) = id.filter(|id| self.stored(module, id).is_some()) {
            return Err(Refusal::Invalid(format!("Bean {module} with id {id} is already exist")));
        }
        let id = id.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let mut record = Record { id: id.clone(), ..Record::default() };
        record.set("created_by", user);
        record.set("date_entered", stored_time(self.now()));
        record.set("date_modified", stored_time(self.now()));
        if module == "Cases" {
            self.last_case_number += 1;
            record.set("case_number", self.last_case_number.to_string());
        }
        self.save(module, record, attributes, user)?;
        Ok(id)
    }

    /// Writes the whole of `record` with `attributes` over it; what others wrote since it was read is lost.
    pub fn save(
        &mut self,
        module: &str,
        mut record: Record,
        attributes: &Map<String, Value>,
        user: &str,
    ) -> Result<(), Refusal> {
        let known = self.module(module)?;
        check_names(known, attributes)?;
        let given = |name: &str| attributes.get(name).is_some_and(|value| !value.is_null());
        for field in known.fields.iter().filter(|field| !["id", "deleted"].contains(&&*field.name))
        {
            let Some(text) = attributes.get(&field.name).map(scalar).transpose()?.flatten() else {
                continue;
            };
            if let Some(stored) = field.store(&text, self.settings.utf8mb3) {
                record.set(&field.name, stored);
            }
        }
        if !given("date_modified") {
            record.set("date_modified", stored_time(self.now()));
        }
        if !given("modified_user_id") {
            record.set("modified_user_id", user);
        }
        let name = known.name;
        self.store(name, record);
        Ok(())
    }

    fn store(&mut self, module: &'static str, record: Record) {
        let rows = self.rows.entry(module).or_default();
        let deleted = rows.get(&record.id).is_some_and(|old| old.deleted);
        rows.insert(record.id.clone(), Record { deleted, ..record });
    }

    /// Deletes a row. A case with notes survives the first attempt, which only takes its notes from it.
    pub fn delete(&mut self, module: &str, id: &str) -> Result<(), Refusal> {
        self.row(module, id)?;
        if module == "Cases" && self.orphan_notes(id) {
            return Err(Refusal::Crash("Call to a member function on null".into()));
        }
        self.mark_deleted(module, id);
        Ok(())
    }

    pub fn mark_deleted(&mut self, module: &str, id: &str) {
        let now = stored_time(self.now());
        if let Some(record) = self.rows.get_mut(module).and_then(|rows| rows.get_mut(id)) {
            record.deleted = true;
            record.set("date_modified", now);
        }
        self.contacts.remove(id);
    }

    /// Takes the notes of a case from it; whether there were any.
    pub fn orphan_notes(&mut self, case: &str) -> bool {
        let now = stored_time(self.now());
        let mut any = false;
        for note in self.rows.entry("Notes").or_default().values_mut() {
            if !note.deleted
                && note.value("parent_type") == "Cases"
                && note.value("parent_id") == case
            {
                note.set("parent_id", "");
                note.set("date_modified", now.clone());
                any = true;
            }
        }
        any
    }

    /// The contacts related to a case that are not deleted.
    pub fn contacts_of(&self, case: &str) -> Vec<String> {
        let related = self.contacts.get(case).cloned().unwrap_or_default();
        related.into_iter().filter(|id| self.row("Contacts", id).is_ok()).collect()
    }

    pub fn relate(&mut self, case: &str, contact: &str) {
        let related = self.contacts.entry(case.to_owned()).or_default();
        if !related.iter().any(|id| id == contact) {
            related.push(contact.to_owned());
        }
    }

    /// Whether there was such a relation to remove.
    pub fn unrelate(&mut self, case: &str, contact: &str) -> bool {
        let related = self.contacts.entry(case.to_owned()).or_default();
        let before = related.len();
        related.retain(|id| id != contact);
        related.len() < before
    }

    pub fn issue_token(&mut self) -> String {
        let token = Uuid::new_v4().simple().to_string();
        let expires = self.now() + self.settings.token_lifetime;
        self.tokens.insert(token.clone(), expires);
        token
    }

    pub fn knows_token(&self, token: &str) -> bool {
        self.tokens.get(token).is_some_and(|expires| self.now() < *expires)
    }

    pub fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }
}

/// Fails for the first attribute that the module does not have.
pub fn check_names(module: &Module, attributes: &Map<String, Value>) -> Result<(), Refusal> {
    match attributes.keys().find(|name| module.field(name).is_none()) {
        None => Ok(()),
        Some(name) => {
            let detail = format!("Property {name} in {} module is invalid", module.object);
            Err(Refusal::Invalid(detail))
        }
    }
}

/// PHP's text of a scalar; `None` for null, which changes nothing.
fn scalar(value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(true) => Ok(Some("1".into())),
        Value::Bool(false) => Ok(Some("0".into())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Array(_) | Value::Object(_) => {
            Err(Refusal::Crash("Array to string conversion".into()))
        }
    }
}
