//! The organization's database and its rules: everything that a caller can change is in here.
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, SubsecRound as _, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::objects::{self, Kind, Object};
use super::refusal::Refusal;
use super::settings::Settings;
use crate::lab::Lab;

/// A record as the database keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Record {
    pub id: String,
    pub deleted: bool,
    pub values: BTreeMap<String, Value>,
}

impl Record {
    /// The stored text, empty for null.
    pub fn value(&self, field: &str) -> &str {
        self.values.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.values.insert(field.to_owned(), value.into());
    }
}

/// By object, then by id.
pub type Records = HashMap<&'static str, BTreeMap<String, Record>>;

/// Writes that fail because of the record: those whose JSON contains the text.
#[derive(Debug)]
pub struct RecordFault {
    pub contains: String,
    pub code: String,
    pub times: u32,
}

pub struct Org {
    pub settings: Settings,
    lab: Lab,
    pub record_faults: Vec<RecordFault>,
    /// Calls in the last 24 hours.
    pub used_calls: u64,
    /// The user whom the API's client runs as.
    pub api_user: String,
    /// Who gets a case when assignment rules are applied and none matches.
    pub default_owner: String,
    objects: Vec<Object>,
    records: Records,
    /// What was deleted, by object: id and when. Stays when the recycle bin is emptied.
    pub deletions: Vec<(&'static str, String, DateTime<Utc>)>,
    sessions: HashSet<String>,
    last_number: u64,
}

impl Org {
    pub fn new(settings: Settings, lab: Lab) -> Self {
        let mut org = Self {
            objects: objects::all(&settings.custom_case_fields),
            settings,
            lab,
            record_faults: Vec::new(),
            used_calls: 0,
            api_user: String::new(),
            default_owner: String::new(),
            records: HashMap::new(),
            deletions: Vec::new(),
            sessions: HashSet::new(),
            last_number: 0,
        };
        let user = |name: &str| {
            Map::from_iter([
                ("LastName".to_owned(), name.into()),
                ("Username".to_owned(), name.into()),
            ])
        };
        org.api_user = org.insert("User", &user("Integration"), "").unwrap_or_default();
        org.default_owner = org.insert("User", &user("Administrator"), "").unwrap_or_default();
        org
    }

    /// Stamps are whole seconds.
    pub fn now(&self) -> DateTime<Utc> {
        self.lab.now().trunc_subsecs(0)
    }

    pub fn object(&self, name: &str) -> Result<&Object, Refusal> {
        let found = self.objects.iter().find(|object| object.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            Refusal::bad("INVALID_TYPE", format!("sObject type '{name}' is not supported."))
        })
    }

    /// All records of an object, deleted ones too, by id.
    pub fn rows(&self, object: &str) -> impl Iterator<Item = &Record> {
        self.records.get(object).into_iter().flat_map(BTreeMap::values)
    }

    /// A record by either form of its id, deleted or not.
    pub fn stored(&self, object: &str, id: &str) -> Option<&Record> {
        let records = self.records.get(object)?;
        let long = (id.len() == 15).then(|| objects::id(&id[..3], id[3..].parse().unwrap_or(0)));
        records.get(long.as_deref().unwrap_or(id))
    }

    pub fn row(&self, object: &str, id: &str) -> Result<&Record, Refusal> {
        match self.stored(object, id) {
            None => Err(Refusal::not_found()),
            Some(record) if record.deleted => {
                Err(Refusal::new(404, "ENTITY_IS_DELETED", "entity is deleted"))
            }
            Some(record) => Ok(record),
        }
    }

    pub fn insert(
        &mut self,
        object: &str,
        given: &Map<String, Value>,
        user: &str,
    ) -> Result<String, Refusal> {
        let known = self.object(object)?;
        let (name, prefix) = (known.name, known.prefix);
        let now = stamp(self.now());
        let mut record =
            Record { id: objects::id(prefix, self.last_number + 1), ..Record::default() };
        record.set("CreatedDate", now);
        record.set("CreatedById", user);
        match name {
            "Case" => {
                record.set("CaseNumber", format!("{:08}", self.last_number + 1));
                record.set("Status", "New");
                record.set("OwnerId", user);
            }
            "User" => {
                record.set("IsActive", true);
                record.set("UserType", "Standard");
            }
            "CaseComment" => record.set("IsPublished", false),
            "Product2" => record.set("IsActive", true),
            _ => {}
        }
        let id = record.id.clone();
        self.save(name, record, given, user)?;
        self.last_number += 1;
        Ok(id)
    }

    /// Writes the given fields of a record; fails before anything is changed.
    pub fn save(
        &mut self,
        object: &'static str,
        mut record: Record,
        given: &Map<String, Value>,
        user: &str,
    ) -> Result<(), Refusal> {
        self.meet_fault(given)?;
        let known = self.object(object)?;
        for (name, value) in given {
            let Some(field) = known.field(name) else { return Err(no_column(name, object)) };
            let value = self.check(object, &record.id, field, value)?;
            record.set(&field.name, value);
        }
        if let Some(missing) = known.required.iter().find(|name| record.value(name).is_empty()) {
            let message = format!("Required fields are missing: [{missing}]");
            return Err(Refusal::bad("REQUIRED_FIELD_MISSING", message).of(missing));
        }
        let contact = record.value("ContactId").to_owned();
        if object == "Case" {
            record.set("IsClosed", record.value("Status").starts_with("Closed"));
            let account = self.stored("Contact", &contact).map(|c| c.value("AccountId").to_owned());
            if record.value("AccountId").is_empty()
                && !given.contains_key("AccountId")
                && let Some(account) = account.filter(|account| !account.is_empty())
            {
                record.set("AccountId", account);
            }
        }
        if known.field("LastName").is_some() {
            let full = format!("{} {}", record.value("FirstName"), record.value("LastName"));
            record.set("Name", full.trim());
        }
        let now = stamp(self.now());
        for field in ["LastModifiedDate", "SystemModstamp"] {
            record.set(field, now.clone());
        }
        record.set("LastModifiedById", user);
        self.records.entry(object).or_default().insert(record.id.clone(), record);
        Ok(())
    }

    fn meet_fault(&mut self, given: &Map<String, Value>) -> Result<(), Refusal> {
        let text = Value::from(given.clone()).to_string();
        let fault =
            self.record_faults.iter_mut().find(|f| f.times > 0 && text.contains(&f.contains));
        let Some(fault) = fault else { return Ok(()) };
        fault.times -= 1;
        let refusal = Refusal::bad(&fault.code, "as the organization's rules say");
        self.record_faults.retain(|fault| fault.times > 0);
        Err(refusal)
    }

    /// What the field keeps of the value: no white space around a text, no empty text.
    fn check(
        &self,
        object: &str,
        own: &str,
        field: &objects::Field,
        value: &Value,
    ) -> Result<Value, Refusal> {
        let name = &field.name;
        let text = match value {
            Value::String(text) => text.trim(),
            Value::Bool(_) | Value::Null => return Ok(value.clone()),
            other => {
                let message = format!("Cannot deserialize {name} from {other}");
                return Err(Refusal::bad("JSON_PARSER_ERROR", message));
            }
        };
        let length = match field.kind {
            Kind::Text(limit) | Kind::TextArea(limit) => (text.chars().count(), limit),
            Kind::Bytes(limit) => (text.len(), limit),
            Kind::Key => (text.chars().count(), 255),
            _ => (0, 0),
        };
        if length.0 > length.1 {
            let shown: String = text.chars().take(50).collect();
            let message =
                format!("{name}: data value too large: {shown} (max length={})", length.1);
            return Err(Refusal::bad("STRING_TOO_LONG", message).of(name));
        }
        match field.kind {
            Kind::System => {
                let message = format!("Unable to create/update fields: {name}.");
                return Err(Refusal::bad("INVALID_FIELD_FOR_INSERT_UPDATE", message).of(name));
            }
            Kind::Reference(objects) if !text.is_empty() => {
                self.check_reference(name, text, objects)?
            }
            Kind::Key => self.check_unique(object, own, name, text)?,
            _ => {}
        }
        Ok(if text.is_empty() { Value::Null } else { text.into() })
    }

    fn check_reference(&self, name: &str, id: &str, objects: &[&str]) -> Result<(), Refusal> {
        if !matches!(id.len(), 15 | 18) || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let message = format!("{name}: id value of incorrect type: {id}");
            return Err(Refusal::bad("MALFORMED_ID", message).of(name));
        }
        match objects.iter().find_map(|object| self.stored(object, id)) {
            Some(record) if record.deleted => {
                Err(Refusal::bad("ENTITY_IS_DELETED", "entity is deleted"))
            }
            Some(_) => Ok(()),
            None => {
                let message = "insufficient access rights on cross-reference id";
                Err(Refusal::bad("INVALID_CROSS_REFERENCE_KEY", message).of(name))
            }
        }
    }

    fn check_unique(&self, object: &str, own: &str, name: &str, key: &str) -> Result<(), Refusal> {
        match self.by_key(object, name, key) {
            Some(other) if other != own => {
                let message = format!(
                    "duplicate value found: {name} duplicates value on record with id: {other}"
                );
                Err(Refusal::bad("DUPLICATE_VALUE", message))
            }
            _ => Ok(()),
        }
    }

    /// The record that has this key; a deleted one has none any more.
    pub fn by_key(&self, object: &str, field: &str, key: &str) -> Option<String> {
        let mut living = self.rows(object).filter(|record| !record.deleted);
        living.find(|r| r.value(field).eq_ignore_ascii_case(key)).map(|r| r.id.clone())
    }

    /// Into the recycle bin, with the comments of a case.
    pub fn delete(&mut self, object: &str, id: &str, user: &str) -> Result<(), Refusal> {
        let name = self.object(object)?.name;
        let id = self.row(name, id)?.id.clone();
        // Nothing but a case has comments.
        let of_case = self.rows("CaseComment").filter(|comment| comment.value("ParentId") == id);
        let comments: Vec<String> = of_case.map(|comment| comment.id.clone()).collect();
        self.mark_deleted(name, &id, user);
        for comment in comments {
            self.mark_deleted("CaseComment", &comment, user);
        }
        Ok(())
    }

    fn mark_deleted(&mut self, object: &'static str, id: &str, user: &str) {
        let now = self.now();
        if let Some(record) = self.records.get_mut(object).and_then(|records| records.get_mut(id)) {
            record.deleted = true;
            record.set("SystemModstamp", stamp(now));
            record.set("LastModifiedById", user);
            self.deletions.push((object, id.to_owned(), now));
        }
    }

    /// All records as they are now, for [`Org::roll_back`].
    pub fn checkpoint(&self) -> Records {
        self.records.clone()
    }

    pub fn roll_back(&mut self, before: Records) {
        self.records = before;
    }

    /// Empties the recycle bin.
    pub fn purge(&mut self) {
        for records in self.records.values_mut() {
            records.retain(|_, record| !record.deleted);
        }
    }

    pub fn begin_session(&mut self) -> String {
        let token = Uuid::new_v4().simple().to_string();
        self.sessions.insert(token.clone());
        token
    }

    pub fn knows_session(&self, token: &str) -> bool {
        self.sessions.contains(token)
    }

    pub fn end_sessions(&mut self) {
        self.sessions.clear();
    }
}

/// A time as answers show it.
pub fn stamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

pub fn no_column(name: &str, object: &str) -> Refusal {
    Refusal::bad("INVALID_FIELD", format!("No such column '{name}' on sobject of type {object}"))
}
