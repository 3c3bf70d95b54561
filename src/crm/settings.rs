//! How a connection mirrors: field names, value maps, policies.
use std::collections::BTreeMap;

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::adapters::suitecrm::FieldNames;
use super::case::Field;
use super::merge::Policies;
use crate::kernel::{Priority, text_enum};

text_enum! {
    /// What a note that was written in the CRM becomes.
    CrmNotes {
        Internal = "internal",
        /// A reply, which the customer sees.
        Public = "public",
    }
}

text_enum! {
    /// What happens when a case is deleted in the CRM.
    OnDeleted {
        /// The ticket stays without a case.
        Leave = "leave",
        /// A new case is made.
        Recreate = "recreate",
        /// The mirror is parked until somebody decides.
        Ask = "ask",
    }
}

/// What differs from the defaults of this kind of CRM. Every map is laid over the default map; an empty text
/// takes an entry out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Attributes of a case by field, for example a custom field for the product.
    #[garde(length(max = 10))]
    #[schema(value_type = Object, example = json!({"number": "ticket_number_c", "product": "product_c"}))]
    pub fields: BTreeMap<Field, String>,
    /// The attribute of the first half of a status; empty when a status is one attribute.
    #[garde(length(max = 100))]
    #[schema(example = "state")]
    pub state_field: String,
    /// Status values of the CRM by status code; before `categories`.
    #[garde(length(max = 200))]
    #[schema(value_type = Object, example = json!({"099": "Open/Open_Pending Vendor"}))]
    pub statuses: BTreeMap<String, String>,
    /// Status values of the CRM by category of the status.
    #[garde(length(max = 10))]
    #[schema(value_type = Object, example = json!({"pending": "Open/Open_Pending Input"}))]
    pub categories: BTreeMap<String, String>,
    /// Priority values of the CRM.
    #[garde(length(max = 4))]
    #[schema(value_type = Object, example = json!({"critical": "P0"}))]
    pub priorities: BTreeMap<Priority, String>,
    /// Case types of the CRM by key of the ticket's type.
    #[garde(length(max = 200))]
    #[schema(value_type = Object, example = json!({"question": "User"}))]
    pub types: BTreeMap<String, String>,
    /// Who wins a field that both sides changed; the desk where nothing is said.
    #[garde(length(max = 10))]
    #[schema(value_type = Object, example = json!({"priority": "latest", "status": "hold"}))]
    pub policies: Policies,
    #[garde(skip)]
    pub crm_notes: CrmNotes,
    #[garde(skip)]
    pub on_deleted: OnDeleted,
    /// Seconds between two looks for changes in the CRM.
    #[garde(range(min = 5, max = 86_400))]
    #[schema(example = 30)]
    pub poll_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fields: BTreeMap::new(),
            state_field: "state".into(),
            statuses: BTreeMap::new(),
            categories: BTreeMap::new(),
            priorities: BTreeMap::new(),
            types: BTreeMap::new(),
            policies: Policies::new(),
            crm_notes: CrmNotes::Internal,
            on_deleted: OnDeleted::Leave,
            poll_seconds: 30,
        }
    }
}

/// The case type of a ticket type that is mapped to none.
const DEFAULT_TYPE: &str = "Administration";

impl Settings {
    /// The attributes of a case, defaults included.
    pub fn field_names(&self) -> FieldNames {
        let mut names = FieldNames::default();
        names.attributes.extend(self.fields.clone());
        names.attributes.retain(|_, name| !name.is_empty());
        names.state = Some(self.state_field.clone()).filter(|name| !name.is_empty());
        names
    }

    /// Whether the CRM has a place for this field.
    pub fn has(&self, field: Field) -> bool {
        self.field_names().attributes.contains_key(&field)
    }

    /// The CRM's value for a status of this code, if it has one of its own.
    pub fn status(&self, code: &str) -> Option<&str> {
        filled(self.statuses.get(code))
    }

    /// The CRM's value for the statuses of a category.
    pub fn category(&self, category: &str) -> Option<&str> {
        match self.categories.get(category) {
            Some(value) => filled(Some(value)),
            None => match category {
                "new" => Some("Open/Open_New"),
                "open" => Some("Open/Open_Assigned"),
                "pending" | "on_hold" => Some("Open/Open_Pending Input"),
                "closed" => Some("Closed/Closed_Closed"),
                _ => None,
            },
        }
    }

    pub fn priority(&self, priority: Priority) -> Option<&str> {
        match self.priorities.get(&priority) {
            Some(value) => filled(Some(value)),
            None => Some(match priority {
                Priority::Critical | Priority::High => "P1",
                Priority::Normal => "P2",
                Priority::Low => "P3",
            }),
        }
    }

    pub fn case_type(&self, key: &str) -> &str {
        match self.types.get(key) {
            Some(value) => value,
            None => match key {
                "question" => "User",
                "incident" | "problem" => "Product",
                _ => DEFAULT_TYPE,
            },
        }
    }
}

fn filled(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_said_is_as_in_a_stock_crm() {
        let settings: Settings = serde_json::from_value(json!({
            "fields": {"product": "product_c", "type": ""},
            "priorities": {"critical": "P0"},
        }))
        .unwrap();
        assert!(settings.has(Field::Product) && settings.has(Field::Subject));
        assert!(!settings.has(Field::Type) && !settings.has(Field::Number));
        assert_eq!(settings.priority(Priority::Critical), Some("P0"));
        assert_eq!(settings.priority(Priority::High), Some("P1"));
        assert_eq!(settings.category("on_hold"), settings.category("pending"));
        assert_eq!(settings.case_type("made-up"), DEFAULT_TYPE);
    }

    #[test]
    fn an_unknown_field_name_is_refused() {
        assert!(serde_json::from_value::<Settings>(json!({"fields": {"colour": "x"}})).is_err());
    }
}
