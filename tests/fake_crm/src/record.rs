//! A row, and how an answer shows it.
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::modules::{Kind, Module};

/// A row as the database keeps it: text decoded, times as `2030-01-31 23:59:59`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    pub id: String,
    pub deleted: bool,
    pub values: BTreeMap<String, String>,
}

impl Record {
    /// The stored value, empty when never set.
    pub fn value(&self, field: &str) -> &str {
        match field {
            "id" => &self.id,
            "deleted" if self.deleted => "1",
            _ => self.values.get(field).map_or("", String::as_str),
        }
    }

    pub fn set(&mut self, field: &str, value: impl Into<String>) {
        self.values.insert(field.to_owned(), value.into());
    }
}

/// The attributes of a row as an answer shows them, all or only `fields`; never the id.
pub fn attributes(
    module: &Module,
    record: &Record,
    fields: Option<&[String]>,
) -> Map<String, Value> {
    module
        .fields
        .iter()
        .filter(|field| {
            field.name != "id" && fields.is_none_or(|wanted| wanted.contains(&field.name))
        })
        .map(|field| {
            let full_name;
            let stored = if field.name == "name" && field.kind == Kind::Elsewhere {
                full_name = format!("{} {}", record.value("first_name"), record.value("last_name"));
                full_name.trim()
            } else {
                record.value(&field.name)
            };
            (field.name.clone(), Value::String(field.show(stored)))
        })
        .collect()
}
