//! What records are made of, as far as clients ask: the fields of an entity.
use actix_web::web::Query as Parameters;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::entities::{Entity, Field, Kind};
use super::state::Crm;

/// `GET Metadata?key=entityDefs.<entity>.fields`; null for any other key, as for an entity that the user may not see.
pub fn read(crm: &Crm, query: &str) -> Answer {
    let parameters = Parameters::<Vec<(String, String)>>::from_query(query);
    let parameters = parameters.map(Parameters::into_inner).unwrap_or_default();
    let key = parameters.iter().find(|(name, _)| name == "key").map(|(_, key)| key.as_str());
    let path: Vec<&str> = key.unwrap_or_default().split('.').collect();
    let entity = match path.as_slice() {
        ["entityDefs", entity, "fields"] => crm.entity(entity),
        _ => None,
    };
    Answer::ok(entity.map_or(Value::Null, fields))
}

fn fields(entity: &Entity) -> Value {
    entity.fields.iter().map(field).collect::<Map<_, _>>().into()
}

/// The field that an attribute belongs to; a link has its name without `Id`.
fn field(attribute: &Field) -> (String, Value) {
    let name = attribute.name.as_str();
    let (name, kind) = match (name.strip_suffix("Ids"), name.strip_suffix("Id")) {
        (Some(links), _) => (links, "linkMultiple"),
        (_, Some(link)) => (link, "link"),
        _ => (name, kind(attribute.kind)),
    };
    let mut defined = json!({ "type": kind });
    if attribute.required {
        defined["required"] = true.into();
    }
    if let Some(default) = attribute.default {
        defined["default"] = default.into();
    }
    (name.to_owned(), defined)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Enum(_) => "enum",
        Kind::Email => "email",
        Kind::Bool => "bool",
        Kind::Varchar(_) | Kind::Name | Kind::Link(_) | Kind::System => "varchar",
    }
}
