//! What a CRM calls things: the defaults of its kind, and over them a connection's settings. Pure.
use std::collections::{BTreeMap, BTreeSet};

use super::case::Field;
use super::settings::Settings;
use crate::kernel::Priority;

/// What a stock CRM of a kind calls things.
#[derive(Debug)]
pub struct Defaults {
    /// The attribute of a case for each field; a field without one is not mirrored.
    pub fields: &'static [(Field, &'static str)],
    /// The attribute that makes up the first half of a status, if a status is two attributes.
    pub state_field: Option<&'static str>,
    /// The attribute that holds our key, where a client cannot choose ids.
    pub key_field: Option<&'static str>,
    /// Statuses by category.
    pub categories: &'static [(&'static str, &'static str)],
    pub priorities: &'static [(Priority, &'static str)],
    /// Case types by key of the ticket's type.
    pub types: &'static [(&'static str, &'static str)],
    /// The case type of every other ticket.
    pub other_type: &'static str,
    /// Whether a status means that the case is closed, one way or the other.
    pub is_closed: fn(&str) -> bool,
}

/// The attributes of a case in a CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    pub attributes: BTreeMap<Field, String>,
    /// The attribute that makes up the first half of [`Field::Status`]; `None` if the status is
    /// a single attribute.
    pub state: Option<String>,
    /// The attribute that holds our key; `None` where a client chooses ids.
    pub key: Option<String>,
}

impl FieldNames {
    /// The attributes of a stock CRM.
    pub fn stock(defaults: &Defaults) -> Self {
        Vocabulary::new(&Settings::default(), defaults).field_names()
    }
}

/// A connection's settings over the defaults of its kind.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    settings: &'a Settings,
    defaults: &'a Defaults,
    /// Characters of a subject that the CRM keeps, where that is known.
    pub subject_limit: Option<u32>,
}

impl<'a> Vocabulary<'a> {
    pub fn new(settings: &'a Settings, defaults: &'a Defaults) -> Self {
        Self { settings, defaults, subject_limit: None }
    }

    /// In a CRM that keeps so many characters of a subject.
    pub fn with_subject_limit(self, limit: Option<u32>) -> Self {
        Self { subject_limit: limit, ..self }
    }

    pub fn field_names(&self) -> FieldNames {
        let stock = self.defaults.fields.iter().map(|(field, name)| (*field, (*name).to_owned()));
        let mut attributes: BTreeMap<Field, String> = stock.collect();
        attributes.extend(self.settings.fields.clone());
        attributes.retain(|_, name| !name.is_empty());
        let over = |own: &Option<String>, stock: Option<&str>| {
            own.clone().or_else(|| stock.map(str::to_owned)).filter(|name| !name.is_empty())
        };
        FieldNames {
            attributes,
            state: over(&self.settings.state_field, self.defaults.state_field),
            key: over(&self.settings.key_field, self.defaults.key_field),
        }
    }

    /// Whether the CRM has a place for this field.
    pub fn has(&self, field: Field) -> bool {
        match self.settings.fields.get(&field) {
            Some(name) => !name.is_empty(),
            None => self.defaults.fields.iter().any(|(stock, _)| *stock == field),
        }
    }

    /// The CRM's value for a status of this code, if it has one of its own.
    pub fn status(&self, code: &str) -> Option<&'a str> {
        self.settings.statuses.get(code).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The CRM's value for the statuses of a category.
    pub fn category(&self, category: &str) -> Option<&'a str> {
        entry(self.settings.categories.get(category), self.defaults.categories, |k| *k == category)
    }

    /// Whether a status of the CRM stands for this category of statuses.
    pub fn stands_for(&self, value: &str, category: &str) -> bool {
        if self.settings.statuses.values().any(|own| own == value) {
            return false;
        }
        self.category(category) == Some(value)
            || (category == "closed" && (self.defaults.is_closed)(value))
    }

    pub fn priority(&self, priority: Priority) -> Option<&'a str> {
        entry(self.settings.priorities.get(&priority), self.defaults.priorities, |k| *k == priority)
    }

    /// The keys of the types that have a case type of their own, in order.
    pub fn type_keys(&self) -> BTreeSet<&'a str> {
        let stock = self.defaults.types.iter().map(|(key, _)| *key);
        stock.chain(self.settings.types.keys().map(String::as_str)).collect()
    }

    pub fn case_type(&self, key: &str) -> &'a str {
        let own = self.settings.types.get(key).map(String::as_str);
        let stock = || self.defaults.types.iter().find(|(stock, _)| *stock == key);
        own.unwrap_or_else(|| stock().map_or(self.defaults.other_type, |(_, value)| value))
    }
}

/// The settings' own value, which may be none at all, before the stock one.
fn entry<'a, K>(
    own: Option<&'a String>,
    stock: &'a [(K, &'static str)],
    is: impl Fn(&K) -> bool,
) -> Option<&'a str> {
    match own {
        Some(value) => Some(value.as_str()).filter(|value| !value.is_empty()),
        None => stock.iter().find(|(key, _)| is(key)).map(|(_, value)| *value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crm::adapters::suitecrm;

    #[test]
    fn what_is_not_said_is_as_in_a_stock_crm() {
        let settings: Settings = serde_json::from_value(json!({
            "fields": {"product": "product_c", "type": ""},
            "priorities": {"critical": "P0"},
        }))
        .unwrap();
        let words = Vocabulary::new(&settings, &suitecrm::KIND.defaults);
        assert!(words.has(Field::Product) && words.has(Field::Subject));
        assert!(!words.has(Field::Type) && !words.has(Field::Number));
        assert_eq!(words.priority(Priority::Critical), Some("P0"));
        assert_eq!(words.priority(Priority::High), Some("P1"));
        assert_eq!(words.category("on_hold"), words.category("pending"));
        assert_eq!(words.case_type("made-up"), "Administration");
    }
}
