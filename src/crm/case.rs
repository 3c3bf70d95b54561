//! The case: what desk and CRM have in common, in the CRM's vocabulary.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::text_enum;

text_enum! {
    /// A mirrored field of a case.
    Field {
        Subject = "subject",
        Description = "description",
        Type = "type",
        /// The ticket's number at the desk.
        Number = "number",
        /// The address of the ticket at the desk.
        Link = "link",
        /// State and status as one value where a CRM has both, such as `Open/Open_Assigned`.
        Status = "status",
        Priority = "priority",
        /// The CRM's id of the assigned user; empty for nobody.
        Assignee = "assignee",
        /// The CRM's id of the account; empty for none.
        Account = "account",
        Product = "product",
    }
}

text_enum! {
    /// Which side has the say about a field.
    Owner {
        /// What the CRM changes is written over.
        Desk = "desk",
        /// What the desk changes is taken back; a new case still begins with the desk's value.
        Crm = "crm",
        /// Either side may change it; a policy decides when both did.
        Both = "both",
    }
}

impl Field {
    /// Who has the say where a connection says nothing.
    pub fn default_owner(self) -> Owner {
        match self {
            Self::Status | Self::Priority | Self::Assignee | Self::Account | Self::Product => {
                Owner::Both
            }
            _ => Owner::Desk,
        }
    }

    /// Whether it can have this owner: what the desk's own operations never change belongs to the desk.
    pub fn can_have(self, owner: Owner) -> bool {
        owner == Owner::Desk || !self.is_text()
    }

    /// Text is all that a CRM alters on its own: an id or an enum value that differs is somebody's edit.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Subject | Self::Description | Self::Number | Self::Link)
    }
}

/// The values of a case in its CRM's own vocabulary (ids, enum values) and the adapter's normal
/// form. A field that is absent is not mirrored; an empty value is a cleared one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Case(BTreeMap<Field, String>);

impl Case {
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    pub fn set(&mut self, field: Field, value: impl Into<String>) {
        self.0.insert(field, value.into());
    }

    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Into<String>> FromIterator<(Field, V)> for Case {
    fn from_iter<I: IntoIterator<Item = (Field, V)>>(values: I) -> Self {
        Self(values.into_iter().map(|(field, value)| (field, value.into())).collect())
    }
}

/// A case as the CRM has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCase {
    pub id: String,
    pub fields: Case,
    /// The CRM's own stamp; some cut it to the minute, so it never tells an echo from an edit.
    pub modified_at: DateTime<Utc>,
    /// The CRM's id of the user who saved it last.
    pub modified_by: Option<String>,
    /// What the CRM's version lock wants back with a write, where it has one.
    pub version: Option<String>,
}

/// A note on a case as the CRM has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteNote {
    pub id: String,
    pub title: String,
    pub body: String,
    /// The CRM's id of the user who wrote it.
    pub author: Option<String>,
    pub created_at: DateTime<Utc>,
    pub contact_id: Option<String>,
}

/// A note to be written on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// Chosen by us, so that writing it twice makes one note.
    pub id: Uuid,
    pub title: String,
    pub body: String,
    /// The CRM's id of the contact who wrote it, if a contact did.
    pub contact_id: Option<String>,
    /// Not for the customer's eyes.
    pub internal: bool,
}

text_enum! {
    /// A kind of record that the desk knows people, companies and products by.
    RecordKind {
        User = "user",
        Account = "account",
        Contact = "contact",
        Product = "product",
    }
}

/// A user, an account, a contact or a product of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRecord {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The account of a contact.
    pub account_id: Option<String>,
    /// False for a user who has left.
    pub active: bool,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPage {
    pub records: Vec<RemoteRecord>,
    /// What asks for the page that follows; `None` on the last one.
    pub next: Option<String>,
}

/// A lead to be written; an empty text is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLead {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub phone: String,
    pub company: String,
    pub description: String,
}

/// An attribute that cases of a CRM have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    /// Whether a case cannot be saved without it.
    pub required: bool,
}

/// Text that the CRM did not keep as we sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Altered {
    #[schema(example = "vec<int> is empty")]
    pub sent: String,
    #[schema(example = "vec is empty")]
    pub got: String,
}

/// What the CRM lost of a text: it cut it, removed parts of it, or put `?` where it cannot store
/// a character. `None` if nothing is lost, or if `got` cannot be what is left of `sent` and so
/// is somebody's edit.
pub fn loss(sent: &str, got: &str) -> Option<Altered> {
    if sent == got {
        return None;
    }
    let mut rest = sent.chars();
    let is_remainder = got.chars().all(|kept| {
        rest.any(|original| original == kept || (kept == '?' && original as u32 > 0xFFFF))
    });
    is_remainder.then(|| Altered { sent: sent.to_owned(), got: got.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_stored_as_a_flat_object_with_snake_case_names() {
        let case: Case =
            [(Field::Status, "Open/Open_New"), (Field::Account, "")].into_iter().collect();
        let json = serde_json::to_string(&case).unwrap();
        assert_eq!(json, r#"{"status":"Open/Open_New","account":""}"#);
        assert_eq!(serde_json::from_str::<Case>(&json).unwrap(), case);
    }

    #[test]
    fn a_cut_a_vanished_tag_and_a_replaced_emoji_are_losses() {
        for (sent, got) in [("long subject", "long sub"), ("a <b> c", "a  c"), ("ok 🙂!", "ok ?!")]
        {
            assert_eq!(loss(sent, got), Some(Altered { sent: sent.into(), got: got.into() }));
        }
    }

    #[test]
    fn an_equal_text_and_a_rewritten_text_are_no_losses() {
        assert_eq!(loss("same", "same"), None);
        assert_eq!(loss("Printer broken", "Printer works"), None);
    }
}
