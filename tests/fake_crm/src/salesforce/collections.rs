//! Many records with one call ("sObject Collections").
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::org::{Org, no_column};
use super::refusal::Refusal;

const LARGEST: usize = 200;

/// What to do with each record.
#[derive(Clone, Copy)]
pub enum Action<'a> {
    Create,
    Update,
    /// By this external id field of this object.
    Upsert(&'a str, &'a str),
}

/// One result for each record, in their order.
pub fn save(
    org: &mut Org,
    action: Action<'_>,
    body: &Value,
    auto_assign: bool,
) -> Result<Value, Refusal> {
    let records = body["records"].as_array();
    let records =
        records.ok_or_else(|| Refusal::bad("JSON_PARSER_ERROR", "records are missing"))?;
    if records.len() > LARGEST {
        let message = format!("record limit reached. cannot submit more than {LARGEST} records");
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    let parsed = records.iter().map(|record| parse(org, action, record));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    let mut keys: HashMap<String, usize> = HashMap::new();
    if let Action::Upsert(_, field) = action {
        for (_, record) in &parsed {
            *keys.entry(key(record, field)).or_default() += 1;
        }
    }
    let all_or_none = body["allOrNone"] == true;
    let before = all_or_none.then(|| org.checkpoint());
    let mut results = Vec::new();
    let mut any_failed = false;
    for (object, mut record) in parsed {
        let result = one(org, action, object, &mut record, &keys, auto_assign);
        any_failed |= result.is_err();
        results.push(result.unwrap_or_else(|refusal| refusal.result()));
    }
    if let Some(before) = before.filter(|_| any_failed) {
        org.roll_back(before);
        let message = "Record rolled back because not all records were valid and the request was using AllOrNone header";
        let rolled_back = Refusal::bad("ALL_OR_NONE_OPERATION_ROLLED_BACK", message).result();
        for result in results.iter_mut().filter(|result| result["success"] == true) {
            *result = rolled_back.clone();
        }
    }
    Ok(results.into())
}

/// Fails for the whole call: a record without a type, or a field that there is not.
fn parse(
    org: &Org,
    action: Action<'_>,
    record: &Value,
) -> Result<(&'static str, Map<String, Value>), Refusal> {
    let no_type =
        || Refusal::bad("INVALID_INPUT", "Include an entity type in the request and resend it.");
    let kind = record["attributes"]["type"].as_str().ok_or_else(no_type)?;
    let object = org.object(kind)?;
    if let Action::Upsert(expected, field) = action {
        if !object.name.eq_ignore_ascii_case(expected) {
            return Err(Refusal::bad("INVALID_INPUT", "the object is another than in the URI"));
        }
        object.field(field).ok_or_else(Refusal::not_found)?;
    }
    let mut values = record.as_object().cloned().unwrap_or_default();
    values.remove("attributes");
    let wrong = values.keys().find(|name| *name != "id" && object.field(name).is_none());
    match wrong {
        Some(name) => Err(no_column(name, object.name)),
        None => Ok((object.name, values)),
    }
}

fn key(record: &Map<String, Value>, field: &str) -> String {
    record.get(field).and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

fn one(
    org: &mut Org,
    action: Action<'_>,
    object: &'static str,
    record: &mut Map<String, Value>,
    keys: &HashMap<String, usize>,
    auto_assign: bool,
) -> Result<Value, Refusal> {
    let existing = match action {
        Action::Create => None,
        Action::Update => {
            let missing = || Refusal::bad("MISSING_ARGUMENT", "Id not specified in an update call");
            let id = record.remove("id").ok_or_else(missing)?;
            let id = id.as_str().unwrap_or_default().to_owned();
            Some(org.row(object, &id)?.id.clone())
        }
        Action::Upsert(_, field) => {
            let key = key(record, field);
            if keys.get(&key).is_some_and(|times| *times > 1) {
                let message = format!("Duplicate external id specified: {key}");
                return Err(Refusal::bad("DUPLICATE_VALUE", message).of(field));
            }
            org.by_key(object, field, &key)
        }
    };
    let user = org.api_user.clone();
    let (id, created) = match existing {
        Some(id) => {
            let row = org.row(object, &id)?.clone();
            org.save(object, row, record, &user)?;
            (id, false)
        }
        None => {
            if auto_assign && object == "Case" {
                record.insert("OwnerId".into(), org.default_owner.clone().into());
            }
            (org.insert(object, record, &user)?, true)
        }
    };
    let mut result = json!({ "id": id, "success": true, "errors": [] });
    if let Action::Upsert(..) = action {
        result["created"] = created.into();
    }
    Ok(result)
}
