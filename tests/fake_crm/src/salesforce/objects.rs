//! The objects and their fields ("Object Reference").
use super::settings::CustomField;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of so many characters.
    Text(usize),
    /// Text of so many characters that no query can filter by.
    TextArea(usize),
    /// Text of so many bytes, which queries can filter by.
    Bytes(usize),
    /// External id, unique, whatever its capitals.
    Key,
    /// The id of a record of one of these objects.
    Reference(&'static [&'static str]),
    Boolean,
    /// Set by the organization: id, stamps, who did it.
    System,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
}

#[derive(Debug)]
pub struct Object {
    pub name: &'static str,
    /// How its ids begin.
    pub prefix: &'static str,
    pub fields: Vec<Field>,
    pub required: &'static [&'static str],
}

use Kind::{Boolean, Bytes, Key, Reference, System, Text, TextArea};

const COMMON: &[(&str, Kind)] = &[
    ("Id", System),
    ("IsDeleted", System),
    ("CreatedDate", System),
    ("CreatedById", System),
    ("LastModifiedDate", System),
    ("LastModifiedById", System),
    ("SystemModstamp", System),
];
const CASE: &[(&str, Kind)] = &[
    ("CaseNumber", System),
    ("IsClosed", System),
    ("Subject", Text(255)),
    ("Description", TextArea(32_000)),
    ("Status", Text(255)),
    ("Priority", Text(255)),
    ("Type", Text(255)),
    ("Origin", Text(255)),
    ("OwnerId", Reference(&["User", "Group"])),
    ("AccountId", Reference(&["Account"])),
    ("ContactId", Reference(&["Contact"])),
];
const COMMENT: &[(&str, Kind)] =
    &[("ParentId", Reference(&["Case"])), ("CommentBody", Bytes(4000)), ("IsPublished", Boolean)];
const ACCOUNT: &[(&str, Kind)] = &[("Name", Text(255)), ("Phone", Text(40))];
const CONTACT: &[(&str, Kind)] = &[
    ("Name", System),
    ("FirstName", Text(40)),
    ("LastName", Text(80)),
    ("Email", Text(80)),
    ("Phone", Text(40)),
    ("AccountId", Reference(&["Account"])),
];
const USER: &[(&str, Kind)] = &[
    ("Name", System),
    ("FirstName", Text(40)),
    ("LastName", Text(80)),
    ("Username", Text(80)),
    ("Email", Text(128)),
    ("Phone", Text(40)),
    ("IsActive", Boolean),
    ("UserType", Text(40)),
];
const GROUP: &[(&str, Kind)] = &[("Name", Text(40)), ("Type", Text(40))];
const PRODUCT: &[(&str, Kind)] = &[("Name", Text(255)), ("IsActive", Boolean)];
const LEAD: &[(&str, Kind)] = &[
    ("Name", System),
    ("FirstName", Text(40)),
    ("LastName", Text(80)),
    ("Company", Text(255)),
    ("Email", Text(80)),
    ("Phone", Text(40)),
    ("Description", TextArea(32_000)),
    ("Status", Text(255)),
];

/// Every object; custom fields that are keys are on Lead too.
pub fn all(custom: &[CustomField]) -> Vec<Object> {
    let object = |name, prefix, fields: &[(&str, Kind)], required, custom: Vec<&CustomField>| {
        let stock = COMMON.iter().chain(fields);
        let stock = stock.map(|(name, kind)| Field { name: (*name).into(), kind: *kind });
        let kind = |field: &CustomField| if field.key { Key } else { Text(255) };
        let custom = custom.into_iter();
        let custom = custom.map(|field| Field { name: field.name.clone(), kind: kind(field) });
        Object { name, prefix, fields: stock.chain(custom).collect(), required }
    };
    let keys = custom.iter().filter(|field| field.key).collect();
    vec![
        object("Case", "500", CASE, &[], custom.iter().collect()),
        object("CaseComment", "00a", COMMENT, &["ParentId"], vec![]),
        object("Account", "001", ACCOUNT, &["Name"], vec![]),
        object("Contact", "003", CONTACT, &["LastName"], vec![]),
        object("User", "005", USER, &["LastName"], vec![]),
        object("Group", "00G", GROUP, &["Name"], vec![]),
        object("Product2", "01t", PRODUCT, &["Name"], vec![]),
        object("Lead", "00Q", LEAD, &["LastName", "Company"], keys),
    ]
}

impl Object {
    /// The field with this name, whatever its capitals.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

/// An id of 18 characters: the object's prefix, a number, and 3 that repeat which letters of the others are capitals.
pub fn id(prefix: &str, number: u64) -> String {
    let mut id = format!("{prefix}{number:012}");
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let suffix: String = id
        .as_bytes()
        .chunks(5)
        .map(|chunk| {
            let capitals = chunk.iter().enumerate().filter(|(_, c)| c.is_ascii_uppercase());
            let bits: usize = capitals.map(|(at, _)| 1 << at).sum();
            char::from(alphabet[bits])
        })
        .collect();
    id.push_str(&suffix);
    id
}
