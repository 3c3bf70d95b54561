use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::crm::case::Field;
use crate::kernel::Secret;

/// How to reach a SuiteCRM and where it keeps what.
#[derive(Debug, Clone)]
pub struct SuiteCrmSettings {
    /// Where SuiteCRM is installed; `/Api/...` follows. With SuiteCRM 8 it ends in `/legacy`.
    pub base_url: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub fields: FieldNames,
    /// For one request, from connecting to the end of the answer.
    pub timeout: Duration,
}

impl SuiteCrmSettings {
    /// Settings for a stock SuiteCRM.
    pub fn new(
        base_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Self {
        Self {
            base_url: base_url.into(),
            client_id: client_id.into(),
            client_secret,
            fields: FieldNames::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

/// The attribute of the module `Cases` for each field; a field without one is not mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldNames {
    pub attributes: BTreeMap<Field, String>,
    /// The attribute that makes up the first half of [`Field::Status`]; `None` if the status is
    /// a single attribute.
    pub state: Option<String>,
}

impl Default for FieldNames {
    /// A stock SuiteCRM 7.14, which has no attribute for number, link and product.
    fn default() -> Self {
        let stock = [
            (Field::Subject, "name"),
            (Field::Description, "description"),
            (Field::Type, "type"),
            (Field::Status, "status"),
            (Field::Priority, "priority"),
            (Field::Assignee, "assigned_user_id"),
            (Field::Account, "account_id"),
        ];
        let attributes = stock.into_iter().map(|(field, name)| (field, name.to_owned())).collect();
        Self { attributes, state: Some("state".to_owned()) }
    }
}
