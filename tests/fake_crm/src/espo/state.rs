//! The CRM's database and its rules: everything that a caller can change is in here.
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::Refusal;
use super::entities::{self, Entity, Kind};
use super::settings::{ADMIN, API_USER, Settings};
use super::stream;
use super::webhooks::Queue;
use crate::lab::Lab;

/// A row of the database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Record {
    pub id: String,
    pub deleted: bool,
    #[serde(flatten)]
    pub values: Map<String, Value>,
}

impl Record {
    /// The stored value, null when never set.
    pub fn value(&self, attribute: &str) -> Value {
        match attribute {
            "id" => self.id.as_str().into(),
            _ => self.values.get(attribute).cloned().unwrap_or_default(),
        }
    }

    /// The stored text, empty when never set.
    pub fn text(&self, attribute: &str) -> &str {
        self.values.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn set(&mut self, attribute: &str, value: impl Into<Value>) {
        self.values.insert(attribute.to_owned(), value.into());
    }
}

pub struct Crm {
    pub settings: Settings,
    /// Whether the key of the API user was taken away.
    pub key_revoked: bool,
    lab: Lab,
    pub queue: Queue,
    entities: Vec<Entity>,
    /// By entity, then by id.
    rows: HashMap<&'static str, BTreeMap<String, Record>>,
    /// By case: the ids of the contacts related to it.
    contacts: HashMap<String, Vec<String>>,
    last_number: HashMap<&'static str, i64>,
}

impl Crm {
    pub fn new(settings: Settings, lab: Lab) -> Self {
        let mut crm = Self {
            entities: entities::all(&settings.custom_fields),
            settings,
            key_revoked: false,
            lab,
            queue: Queue::default(),
            rows: HashMap::new(),
            contacts: HashMap::new(),
            last_number: HashMap::new(),
        };
        for (id, name, kind) in [(ADMIN, "admin", "admin"), (API_USER, "casebridge", "api")] {
            let values = [("userName", name), ("lastName", name), ("name", name), ("type", kind)];
            let mut user = Record { id: id.into(), ..Record::default() };
            for (attribute, value) in values {
                user.set(attribute, value);
            }
            user.set("isActive", true);
            user.set("createdAt", crm.stamp());
            user.set("modifiedAt", crm.stamp());
            crm.store("User", user);
        }
        crm
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.lab.now()
    }

    /// The present as the database writes it: UTC, whole seconds.
    fn stamp(&self) -> String {
        self.now().format("%Y-%m-%d %H:%M:%S").to_string()
    }

    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name == name)
    }

    fn known_entity(&self, name: &str) -> Result<&Entity, Refusal> {
        self.entity(name).ok_or_else(|| Refusal::new(404, format!("No entity {name}.")))
    }

    /// All rows of an entity, deleted ones too.
    pub fn rows(&self, entity: &str) -> impl Iterator<Item = &Record> {
        self.rows.get(entity).into_iter().flat_map(BTreeMap::values)
    }

    /// A row, deleted or not.
    pub fn stored(&self, entity: &str, id: &str) -> Option<&Record> {
        self.rows.get(entity)?.get(id)
    }

    /// A row that is not deleted.
    pub fn row(&self, entity: &str, id: &str) -> Result<&Record, Refusal> {
        let row = self.stored(entity, id).filter(|record| !record.deleted);
        row.ok_or_else(|| Refusal::not_found(id))
    }

    pub(super) fn store(&mut self, entity: &'static str, record: Record) {
        self.rows.entry(entity).or_default().insert(record.id.clone(), record);
    }

    /// Inserts a row; only people behind the API choose an `id`.
    pub fn insert(
        &mut self,
        entity: &str,
        id: Option<&str>,
        attributes: &Map<String, Value>,
        user: &str,
    ) -> Result<String, Refusal> {
        let name = self.known_entity(entity)?.name;
        let id = id.map_or_else(new_id, str::to_owned);
        let mut record = Record { id: id.clone(), ..Record::default() };
        for field in &self.known_entity(entity)?.fields {
            if let Some(value) = field.default {
                record.set(&field.name, value);
            }
        }
        let changed = self.take_over(name, &mut record, attributes)?;
        record.set("createdAt", self.stamp());
        record.set("createdById", user);
        if matches!(name, "Case" | "Note") {
            let number = self.last_number.entry(name).or_default();
            *number += 1;
            record.set("number", *number);
        }
        self.finish(name, record, &changed, user, true);
        Ok(id)
    }

    /// Writes attributes to a row. With the version that the writer has seen, it is refused if there is a newer one and
    /// any of the attributes would change.
    pub fn save(
        &mut self,
        entity: &str,
        id: &str,
        attributes: &Map<String, Value>,
        user: &str,
        version: Option<i64>,
    ) -> Result<(), Refusal> {
        let name = self.known_entity(entity)?.name;
        let before = self.row(name, id)?.clone();
        let mut record = before.clone();
        let changed = self.take_over(name, &mut record, attributes)?;
        let current = before.value("versionNumber").as_i64();
        if version.is_some() && version != current && !changed.is_empty() {
            let values: Map<String, Value> =
                changed.iter().map(|name| (name.clone(), before.value(name))).collect();
            let body = json!({ "values": values, "versionNumber": current });
            return Err(Refusal::conflict("modified", body));
        }
        if name == "Case" {
            stream::tell_of_change(self, &before, &record, &changed, user);
        }
        self.finish(name, record, &changed, user, false);
        Ok(())
    }

    /// Puts the attributes that the entity knows into a row, after checking them; returns those that changed.
    fn take_over(
        &self,
        entity: &str,
        record: &mut Record,
        attributes: &Map<String, Value>,
    ) -> Result<Vec<String>, Refusal> {
        let mut changed = Vec::new();
        for field in &self.known_entity(entity)?.fields {
            let given = attributes.get(&field.name).filter(|_| field.kind != Kind::System);
            if let Some(given) = given {
                let value = field.accept(entity, given)?;
                if let (Kind::Link(other), Some(id)) = (field.kind, value.as_str())
                    && self.row(other, id).is_err()
                {
                    return Err(Refusal::new(403, format!("No access to foreign record {id}.")));
                }
                if record.value(&field.name) != value {
                    record.set(&field.name, value);
                    changed.push(field.name.clone());
                }
            }
            if field.required && record.value(&field.name).is_null() {
                return Err(Refusal::invalid(entity, &field.name, "required"));
            }
        }
        if record.values.contains_key("lastName") {
            let names = [record.text("firstName"), record.text("lastName")].join(" ");
            record.set("name", names.trim());
        }
        Ok(changed)
    }

    fn finish(
        &mut self,
        entity: &'static str,
        mut record: Record,
        changed: &[String],
        user: &str,
        new: bool,
    ) {
        record.set("modifiedAt", self.stamp());
        record.set("modifiedById", user);
        if entity == "Case" {
            let version = record.value("versionNumber").as_i64().unwrap_or(0);
            record.set("versionNumber", version + 1);
        }
        self.store(entity, record.clone());
        if new && entity == "Case" {
            stream::tell_of_creation(self, &record, user);
        }
        self.tell_webhooks(entity, &record, changed, user, new);
    }

    /// An entry of the stream, without the checks of what people post.
    pub(super) fn log(&mut self, case: &str, kind: &str, values: Value, user: &str) -> String {
        let number = self.last_number.entry("Note").or_default();
        *number += 1;
        let mut note = Record { id: new_id(), ..Record::default() };
        note.set("number", *number);
        note.set("type", kind);
        note.set("parentType", "Case");
        note.set("parentId", case);
        note.values.extend(values.as_object().cloned().unwrap_or_default());
        for attribute in ["createdAt", "modifiedAt"] {
            note.set(attribute, self.stamp());
        }
        note.set("createdById", user);
        let id = note.id.clone();
        self.store("Note", note);
        id
    }

    /// Deletes a row; its entries in the stream stay.
    pub fn delete(&mut self, entity: &str, id: &str, user: &str) -> Result<(), Refusal> {
        let name = self.known_entity(entity)?.name;
        let mut record = self.row(name, id)?.clone();
        record.deleted = true;
        self.store(name, record.clone());
        self.contacts.remove(id);
        self.tell_webhooks_of_deletion(name, &record, user);
        Ok(())
    }

    /// The contacts related to a case that are not deleted.
    pub fn contacts_of(&self, case: &str) -> Vec<String> {
        let related = self.contacts.get(case).cloned().unwrap_or_default();
        related.into_iter().filter(|id| self.row("Contact", id).is_ok()).collect()
    }

    /// Relates a contact to a case; once more does nothing. The case's stamp stays.
    pub fn relate(&mut self, case: &str, contact: &str, user: &str) {
        let related = self.contacts.entry(case.to_owned()).or_default();
        if related.iter().any(|id| id == contact) {
            return;
        }
        related.push(contact.to_owned());
        self.show_contacts(case);
        self.log(case, "Relate", json!({ "relatedType": "Contact", "relatedId": contact }), user);
    }

    /// Takes a relation away; once more does nothing.
    pub fn unrelate(&mut self, case: &str, contact: &str) {
        self.contacts.entry(case.to_owned()).or_default().retain(|id| id != contact);
        self.show_contacts(case);
    }

    fn show_contacts(&mut self, case: &str) {
        let related = self.contacts_of(case);
        let row = self.rows.get_mut("Case").and_then(|rows| rows.get_mut(case));
        if let Some(row) = row {
            row.set("contactId", related.first().cloned());
            row.set("contactsIds", related);
        }
    }
}

/// As every id of EspoCRM: 17 hexadecimal digits.
pub fn new_id() -> String {
    Uuid::new_v4().simple().to_string()[..17].to_owned()
}
