//! The stream: who changed what, and what people wrote.
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::state::{Crm, Record};

/// Posts on a case.
pub fn post(crm: &mut Crm, attributes: &Map<String, Value>, user: &str) -> Result<String, Refusal> {
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("type") != "Post" {
        return Err(Refusal::new(403, "Only 'Post' type allowed."));
    }
    let case = text("parentId").to_owned();
    if text("parentType") != "Case" || crm.row("Case", &case).is_err() {
        return Err(Refusal::new(403, "No access to parent."));
    }
    let internal = attributes.get("isInternal").and_then(Value::as_bool).unwrap_or(false);
    let values = json!({ "post": text("post"), "isInternal": internal });
    Ok(crm.log(&case, "Post", values, user))
}

/// The entries of a case's stream, newest first.
pub fn of_case<'a>(crm: &'a Crm, case: &str) -> Vec<&'a Record> {
    let own = crm.rows("Note").filter(|note| !note.deleted && note.text("parentId") == case);
    let mut entries: Vec<&Record> = own.collect();
    entries.sort_by_key(|note| std::cmp::Reverse(note.value("number").as_i64()));
    entries
}

pub fn tell_of_creation(crm: &mut Crm, case: &Record, user: &str) {
    let data = json!({ "statusValue": case.value("status"), "statusField": "status" });
    crm.log(&case.id, "Create", json!({ "data": data }), user);
}

pub fn tell_of_change(
    crm: &mut Crm,
    before: &Record,
    after: &Record,
    changed: &[String],
    user: &str,
) {
    if changed.iter().any(|name| name == "assignedUserId") {
        let data = json!({ "assignedUserId": after.value("assignedUserId") });
        crm.log(&after.id, "Assign", json!({ "data": data }), user);
    }
    let Some(entity) = crm.entity("Case") else { return };
    let audited: Vec<&String> = changed
        .iter()
        .filter(|name| entity.field(name).is_some_and(|field| field.audited))
        .collect();
    if audited.is_empty() {
        return;
    }
    let values = |row: &Record| -> Map<String, Value> {
        audited.iter().map(|name| ((*name).clone(), row.value(name))).collect()
    };
    let attributes = json!({ "was": values(before), "became": values(after) });
    let data = json!({ "fields": audited, "attributes": attributes });
    crm.log(&after.id, "Update", json!({ "data": data }), user);
}
