//! How a connection mirrors: field names, value maps, policies.
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::case::Field;
use super::import::rules::Handling;
use super::merge::{Owners, Policies, Rules};
use super::store::LinkKind;
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

text_enum! {
    /// What a comparison of tickets and cases does about their differences.
    #[derive(Default)]
    ReconcileMode {
        /// Tells them, and changes nothing on either side.
        #[default]
        Report = "report",
        /// Has the mirror put them right, too.
        Repair = "repair",
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
    /// A ticket that is converted to a lead becomes a lead in the CRM too.
    #[garde(skip)]
    #[schema(example = true)]
    pub leads: bool,
    #[garde(dive)]
    pub import: ImportSettings,
    /// Hours between two scheduled comparisons of everything; 0 for none.
    #[garde(range(max = 8_760))]
    #[schema(example = 24)]
    pub reconcile_hours: u32,
    /// What a scheduled comparison does about what it comes upon.
    #[garde(skip)]
    pub reconcile_mode: ReconcileMode,
    /// Seconds between two looks for changes in the CRM.
    #[garde(range(min = 5, max = 86_400))]
    #[schema(example = 30)]
    pub poll_seconds: u32,
    /// Calls of the CRM at a time, give or take a quarter with several processes; what this kind of CRM takes well where nothing
    /// is said.
    #[garde(inner(range(min = 1, max = 100)))]
    #[schema(example = 8)]
    pub concurrency: Option<u16>,
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
            leads: true,
            import: ImportSettings::default(),
            reconcile_hours: 24,
            reconcile_mode: ReconcileMode::Repair,
            poll_seconds: 30,
            concurrency: None,
        }
    }
}

/// Which of the CRM's users, accounts, contacts and products are brought to the desk, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImportSettings {
    /// Whether what changed is imported every `every_minutes`; everything once a day.
    #[garde(skip)]
    #[schema(example = true)]
    pub scheduled: bool,
    #[garde(range(min = 5, max = 10_080))]
    #[schema(example = 60)]
    pub every_minutes: u32,
    /// Agents are never created.
    #[garde(skip)]
    pub users: Handling,
    #[garde(skip)]
    pub accounts: Handling,
    #[garde(skip)]
    pub contacts: Handling,
    #[garde(skip)]
    pub products: Handling,
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self {
            scheduled: false,
            every_minutes: 60,
            users: Handling::Link,
            accounts: Handling::Link,
            contacts: Handling::Link,
            products: Handling::Link,
        }
    }
}

impl ImportSettings {
    /// When the next import is due after one that began `last`; `None` where none is scheduled.
    pub fn next(&self, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let every = TimeDelta::minutes(i64::from(self.every_minutes));
        self.scheduled.then(|| last.map_or(now, |last| (last + every).max(now)))
    }

    pub fn handling(&self, kind: LinkKind) -> Handling {
        match kind {
            LinkKind::Agent => self.users,
            LinkKind::Account => self.accounts,
            LinkKind::Contact => self.contacts,
            LinkKind::Product => self.products,
        }
    }
}

impl Settings {
    /// Who has the say, and who wins.
    pub fn rules(&self) -> Rules {
        Rules { owners: self.owners.clone(), policies: self.policies.clone(), ..Rules::default() }
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
