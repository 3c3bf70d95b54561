//! How a connection mirrors: field names, value maps, policies.
use std::collections::BTreeMap;

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::case::Field;
use super::merge::{Owners, Policies, Rules};
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
    #[garde(inner(length(max = 100)))]
    #[schema(example = "state")]
    pub state_field: Option<String>,
    /// The attribute that holds our key, unique in the CRM, where a client cannot choose ids.
    #[garde(inner(length(max = 100)))]
    #[schema(example = "cTicketKey")]
    pub key_field: Option<String>,
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
    /// Who has the say about a field; both for status, priority, assignee, account and product, and the desk for the others.
    /// What only one side may change is put back there when the other side changes it.
    #[garde(length(max = 10))]
    #[schema(value_type = Object, example = json!({"status": "desk", "account": "crm"}))]
    pub owners: Owners,
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
            state_field: None,
            key_field: None,
            statuses: BTreeMap::new(),
            categories: BTreeMap::new(),
            priorities: BTreeMap::new(),
            types: BTreeMap::new(),
            owners: Owners::new(),
            policies: Policies::new(),
            crm_notes: CrmNotes::Internal,
            on_deleted: OnDeleted::Leave,
            poll_seconds: 30,
        }
    }
}

impl Settings {
    /// Who has the say, and who wins.
    pub fn rules(&self) -> Rules {
        Rules { owners: self.owners.clone(), policies: self.policies.clone() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_field_name_is_refused() {
        assert!(serde_json::from_value::<Settings>(json!({"fields": {"colour": "x"}})).is_err());
    }
}
