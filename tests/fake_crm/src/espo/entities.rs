//! What kinds of records there are, and what their fields accept.
use serde_json::Value;

use super::answer::Refusal;

/// The longest value of a text field of one line, in characters.
const VARCHAR: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line of so many characters at most, without white space around it.
    Varchar(usize),
    /// As [`Kind::Varchar`], without `<`, `>` and `=`.
    Name,
    Text,
    Enum(&'static [&'static str]),
    /// The id of a record of this entity.
    Link(&'static str),
    Email,
    Bool,
    /// What the CRM writes itself.
    System,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub required: bool,
    /// Its changes are told in the stream.
    pub audited: bool,
    pub default: Option<&'static str>,
}

impl Field {
    fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, required: false, audited: false, default: None }
    }

    fn required(mut self) -> Self {
        self.required = true;
        self
    }

    fn audited(mut self) -> Self {
        self.audited = true;
        self
    }

    fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// The value as it is stored.
    pub fn accept(&self, entity: &str, value: &Value) -> Result<Value, Refusal> {
        let invalid = |rule| Refusal::invalid(entity, &self.name, rule);
        if let (Kind::Bool, Value::Bool(_)) = (self.kind, value) {
            return Ok(value.clone());
        }
        let text = match value {
            Value::Null => return Ok(Value::Null),
            Value::String(text) => text.as_str(),
            _ => return Err(invalid("valid")),
        };
        let text = match self.kind {
            Kind::Text => text,
            _ => text.trim_matches([' ', '\t', '\n', '\r', '\u{B}', '\0']),
        };
        let limit = match self.kind {
            Kind::Varchar(limit) => limit,
            Kind::Name => VARCHAR,
            _ => usize::MAX,
        };
        if text.chars().count() > limit {
            return Err(invalid("maxLength"));
        }
        match self.kind {
            Kind::Name if text.contains(['<', '>', '=']) => return Err(invalid("pattern")),
            Kind::Enum(values) if !text.is_empty() && !values.contains(&text) => {
                return Err(invalid("valid"));
            }
            Kind::Email if !text.is_empty() && !text.contains('@') => {
                return Err(invalid("emailAddress"));
            }
            Kind::Bool => return Err(invalid("valid")),
            _ => {}
        }
        Ok(if text.is_empty() { Value::Null } else { text.into() })
    }
}

#[derive(Debug, Clone)]
pub struct Entity {
    pub name: &'static str,
    pub fields: Vec<Field>,
}

impl Entity {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Every attribute that an answer shows and that a search may name.
    pub fn knows(&self, attribute: &str) -> bool {
        attribute == "id" || self.field(attribute).is_some()
    }
}

/// All entities, with these custom fields of Case and Lead.
pub fn all(custom_fields: &[String]) -> Vec<Entity> {
    let custom = || custom_fields.iter().map(|name| Field::new(name, Kind::Varchar(VARCHAR)));
    vec![
        entity("Case", case_fields().into_iter().chain(custom())),
        entity("Lead", lead_fields().into_iter().chain(custom())),
        entity("Account", company_fields()),
        entity(
            "Contact",
            [person_fields(), vec![Field::new("accountId", Kind::Link("Account"))]].concat(),
        ),
        entity("User", [person_fields(), user_fields()].concat()),
        entity("Note", note_fields()),
        entity("Webhook", webhook_fields()),
    ]
}

fn entity(name: &'static str, fields: impl IntoIterator<Item = Field>) -> Entity {
    let system = ["createdAt", "modifiedAt", "createdById", "modifiedById"];
    let system = system.map(|name| Field::new(name, Kind::System));
    Entity { name, fields: fields.into_iter().chain(system).collect() }
}

fn case_fields() -> Vec<Field> {
    let statuses = &["New", "Assigned", "Pending", "Closed", "Rejected", "Duplicate"];
    vec![
        Field::new("name", Kind::Name).required().audited(),
        Field::new("number", Kind::System),
        Field::new("status", Kind::Enum(statuses)).audited().default("New"),
        Field::new("priority", Kind::Enum(&["Low", "Normal", "High", "Urgent"]))
            .audited()
            .default("Normal"),
        Field::new("type", Kind::Enum(&["Question", "Incident", "Problem"])).audited(),
        Field::new("description", Kind::Text),
        Field::new("accountId", Kind::Link("Account")).audited(),
        Field::new("contactId", Kind::System),
        Field::new("contactsIds", Kind::System),
        Field::new("assignedUserId", Kind::Link("User")),
        Field::new("versionNumber", Kind::System),
    ]
}

fn lead_fields() -> Vec<Field> {
    let own = [Field::new("accountName", Kind::Name), Field::new("description", Kind::Text)];
    [person_fields(), own.into()].concat()
}

fn company_fields() -> Vec<Field> {
    vec![
        Field::new("name", Kind::Name).required(),
        Field::new("emailAddress", Kind::Email),
        Field::new("phoneNumber", Kind::Varchar(36)),
    ]
}

fn person_fields() -> Vec<Field> {
    vec![
        Field::new("name", Kind::System),
        Field::new("firstName", Kind::Varchar(100)),
        Field::new("lastName", Kind::Varchar(100)).required(),
        Field::new("emailAddress", Kind::Email),
        Field::new("phoneNumber", Kind::Varchar(36)),
    ]
}

fn user_fields() -> Vec<Field> {
    vec![
        Field::new("userName", Kind::Varchar(50)).required(),
        Field::new("isActive", Kind::Bool),
        Field::new("type", Kind::Enum(&["regular", "admin", "portal", "system", "api"])),
    ]
}

fn note_fields() -> Vec<Field> {
    vec![
        Field::new("number", Kind::System),
        Field::new("type", Kind::System),
        Field::new("data", Kind::System),
        Field::new("parentType", Kind::Varchar(100)),
        Field::new("parentId", Kind::Varchar(24)),
        Field::new("post", Kind::Text),
        Field::new("isInternal", Kind::Bool),
    ]
}

fn webhook_fields() -> Vec<Field> {
    vec![
        Field::new("event", Kind::Varchar(100)).required(),
        Field::new("url", Kind::Varchar(512)).required(),
        Field::new("skipOwn", Kind::Bool),
        Field::new("userId", Kind::System),
        Field::new("secretKey", Kind::System),
    ]
}
