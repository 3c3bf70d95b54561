//! The modules, their fields and how a column keeps a value.
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use crate::text;

/// How the database keeps times: UTC, whole seconds.
const STORED_TIME: &str = "%Y-%m-%d %H:%M:%S";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Cut to so many characters.
    Varchar(usize),
    /// Cut to 65,535 bytes; its ampersands are escaped in answers.
    Text,
    DateTime,
    /// Kept as `0` or `1`, `0` when never set.
    Bool,
    /// An attribute that is no column of the module's table: neither a filter nor a sort finds it.
    Elsewhere,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
}

#[derive(Debug)]
pub struct Module {
    /// As in requests: `Cases`.
    pub name: &'static str,
    /// As in answers: `Case`.
    pub object: &'static str,
    pub fields: Vec<Field>,
}

use Kind::{Bool, DateTime as Time, Elsewhere, Text, Varchar};

const COMMON: &[(&str, Kind)] = &[
    ("id", Varchar(36)),
    ("date_entered", Time),
    ("date_modified", Time),
    ("created_by", Varchar(36)),
    ("modified_user_id", Varchar(36)),
    ("deleted", Bool),
    ("description", Text),
];
const CASE: &[(&str, Kind)] = &[
    ("name", Varchar(255)),
    ("case_number", Varchar(11)),
    ("type", Varchar(100)),
    ("state", Varchar(100)),
    ("status", Varchar(100)),
    ("priority", Varchar(100)),
    ("resolution", Text),
    ("work_log", Text),
    ("account_id", Varchar(36)),
    ("assigned_user_id", Varchar(36)),
    ("contact_created_by_id", Varchar(36)),
];
const NOTE: &[(&str, Kind)] = &[
    ("name", Varchar(255)),
    ("parent_type", Varchar(255)),
    ("parent_id", Varchar(36)),
    ("contact_id", Varchar(36)),
    ("assigned_user_id", Varchar(36)),
    ("filename", Varchar(255)),
    ("file_mime_type", Varchar(100)),
    ("embed_flag", Bool),
    ("portal_flag", Bool),
];
const CONTACT: &[(&str, Kind)] = &[
    ("name", Elsewhere),
    ("first_name", Varchar(100)),
    ("last_name", Varchar(100)),
    ("title", Varchar(100)),
    ("phone_work", Varchar(100)),
    ("phone_mobile", Varchar(100)),
    ("email1", Elsewhere),
    ("account_id", Elsewhere),
    ("assigned_user_id", Varchar(36)),
];
const ACCOUNT: &[(&str, Kind)] = &[
    ("name", Varchar(150)),
    ("email1", Elsewhere),
    ("website", Varchar(255)),
    ("phone_office", Varchar(100)),
    ("account_type", Varchar(50)),
    ("assigned_user_id", Varchar(36)),
];
const USER: &[(&str, Kind)] = &[
    ("name", Elsewhere),
    ("user_name", Varchar(60)),
    ("first_name", Varchar(255)),
    ("last_name", Varchar(255)),
    ("email1", Elsewhere),
    ("status", Varchar(100)),
    ("title", Varchar(50)),
    ("department", Varchar(50)),
    ("is_admin", Bool),
];
const PRODUCT: &[(&str, Kind)] = &[
    ("name", Varchar(255)),
    ("part_number", Varchar(25)),
    ("category", Varchar(100)),
    ("type", Varchar(100)),
    ("price", Varchar(26)),
    ("url", Varchar(255)),
    ("assigned_user_id", Varchar(36)),
];
const LEAD: &[(&str, Kind)] = &[
    ("name", Elsewhere),
    ("first_name", Varchar(100)),
    ("last_name", Varchar(100)),
    ("email1", Elsewhere),
    ("title", Varchar(100)),
    ("phone_work", Varchar(100)),
    ("phone_mobile", Varchar(100)),
    ("account_name", Varchar(255)),
    ("lead_source", Varchar(100)),
    ("status", Varchar(100)),
    ("converted", Bool),
    ("contact_id", Varchar(36)),
    ("account_id", Varchar(36)),
    ("assigned_user_id", Varchar(36)),
];

/// Every module of the CRM; `custom_case_fields` are added to Cases as an administrator would in Studio.
pub fn all(custom_case_fields: &[String]) -> Vec<Module> {
    let module = |name, object, fields: &[(&str, Kind)], custom: &[String]| Module {
        name,
        object,
        fields: (COMMON.iter().chain(fields))
            .map(|(name, kind)| Field { name: (*name).into(), kind: *kind })
            .chain(custom.iter().map(|name| Field { name: name.clone(), kind: Varchar(255) }))
            .collect(),
    };
    vec![
        module("Cases", "Case", CASE, custom_case_fields),
        module("Notes", "Note", NOTE, &[]),
        module("Contacts", "Contact", CONTACT, &[]),
        module("Accounts", "Account", ACCOUNT, &[]),
        module("Users", "User", USER, &[]),
        module("AOS_Products", "AOS_Products", PRODUCT, &[]),
        module("Leads", "Lead", LEAD, &[]),
    ]
}

impl Module {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// What the column keeps of `value`; `None` where a time cannot be read.
    pub fn store(&self, value: &str, utf8mb3: bool) -> Option<String> {
        if self.kind == Time {
            return parse_time(value);
        }
        let mut stored = text::purify(value);
        if utf8mb3 {
            stored.retain(|c| c.len_utf8() < 4);
        }
        if self.name == "name" {
            stored = stored.trim().to_owned();
        }
        Some(match self.kind {
            Varchar(length) => stored.chars().take(length).collect(),
            Text => text::cut_bytes(&stored, 65_535).to_owned(),
            Bool => if matches!(stored.as_str(), "" | "0" | "false") { "0" } else { "1" }.into(),
            Time | Elsewhere => stored,
        })
    }

    /// The stored value as an answer shows it; the seconds of a time are always `00`.
    pub fn show(&self, stored: &str) -> String {
        match self.kind {
            Time => match NaiveDateTime::parse_from_str(stored, STORED_TIME) {
                Ok(time) => time.format("%Y-%m-%dT%H:%M:00+00:00").to_string(),
                Err(_) => stored.to_owned(),
            },
            Bool if stored.is_empty() => "0".into(),
            kind => text::encode(stored, kind == Text),
        }
    }
}

pub fn stored_time(time: DateTime<Utc>) -> String {
    time.format(STORED_TIME).to_string()
}

/// Reads a time as MySQL would; the result compares as text.
pub fn parse_time(value: &str) -> Option<String> {
    let written = value.trim();
    let local = |format| NaiveDateTime::parse_from_str(written, format).ok();
    let time = DateTime::parse_from_rfc3339(written)
        .map(|time| time.naive_utc())
        .ok()
        .or_else(|| local(STORED_TIME))
        .or_else(|| local("%Y-%m-%dT%H:%M:%S"))
        .or_else(|| local("%Y-%m-%d %H:%M"))
        .or_else(|| NaiveDate::parse_from_str(written, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Some(stored_time(time.and_utc()))
}
