//! SuiteCRM's answers, read with as few assumptions as possible.
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::StatusCode;
use serde_json::Value;

use crate::crm::CrmError;

/// A record of an answer.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub id: String,
    attributes: Value,
}

impl Record {
    /// The attribute as text; `None` if the answer does not have it.
    pub fn text(&self, name: &str) -> Option<String> {
        self.attributes.get(name).map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// The attribute as text if it is there and not empty.
    pub fn filled(&self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A time attribute. SuiteCRM answers with ISO 8601 or, through some custom fields, with its
    /// database form.
    pub fn time(&self, name: &str) -> Result<DateTime<Utc>, CrmError> {
        let text = self.text(name).unwrap_or_default();
        let iso = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
        iso.or_else(|_| {
            NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S").map(|time| time.and_utc())
        })
        .map_err(|_| CrmError::permanent(&format!("{name} of {} is not a time: {text:?}", self.id)))
    }
}

/// The only record of an answer.
pub(super) fn record(answer: &Value) -> Result<Record, CrmError> {
    read(&answer["data"]).ok_or_else(|| CrmError::transient("the answer holds no record"))
}

/// All records of an answer; an empty page may be a list, an object or nothing.
pub(super) fn records(answer: &Value) -> Vec<Record> {
    match &answer["data"] {
        Value::Array(rows) => rows.iter().filter_map(read).collect(),
        one => read(one).into_iter().collect(),
    }
}

fn read(data: &Value) -> Option<Record> {
    let id = data["id"].as_str().filter(|id| !id.is_empty())?;
    Some(Record { id: id.to_owned(), attributes: data["attributes"].clone() })
}

/// Classifies an answer that is no success. Nearly everything is 400 and only the English
/// wording tells one cause from another.
pub(super) fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &str) -> CrmError {
    let said = detail(body);
    let said = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
    match status.as_u16() {
        401 => CrmError::auth(&said),
        429 => CrmError::Throttled { retry_after },
        503 if retry_after.is_some() => CrmError::Throttled { retry_after },
        408 | 425 | 500..=599 => CrmError::transient(&said),
        400 if said.contains("is not found") && said.contains("module with id") => {
            CrmError::not_found(&said)
        }
        _ => CrmError::permanent(&said),
    }
}

/// Whether a creation was refused because the id is taken, by a living record or a deleted one.
pub(super) fn is_taken(e: &CrmError) -> bool {
    matches!(e, CrmError::Permanent { detail } if detail.contains("is already exist"))
}

/// Whether a relation was not taken away because there is none.
pub(super) fn is_unrelated(e: &CrmError) -> bool {
    matches!(e, CrmError::Permanent { detail } if detail.contains("is not related to"))
}

/// What the CRM says about a failure: `errors` is an object where JSON:API has a list.
fn detail(body: &str) -> String {
    let Ok(json) = serde_json::from_str::<Value>(body) else { return String::new() };
    let first = match &json["errors"] {
        Value::Array(errors) => errors.first().unwrap_or(&Value::Null),
        one => one,
    };
    let said = [
        &first["detail"],
        &first["title"],
        &json["error_description"],
        &json["error"],
        &json["message"],
    ];
    said.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: u16, body: &Value) -> CrmError {
        refusal(StatusCode::from_u16(status).unwrap(), None, &body.to_string())
    }

    fn suite(detail: &str) -> Value {
        json!({ "errors": { "status": 400, "title": null, "detail": detail } })
    }

    #[test]
    fn the_wording_tells_the_causes_of_a_400_apart() {
        assert_eq!(
            refused(400, &suite("Cases module with id X is not found")).class(),
            "not_found"
        );
        let field = refused(400, &suite("The following field in Cases module is not found: nope"));
        assert_eq!(field.class(), "permanent");
        let taken = refused(400, &suite("Bean Cases with id X is already exist"));
        assert!(is_taken(&taken) && !is_taken(&field));
    }

    #[test]
    fn the_status_decides_where_it_says_something() {
        assert_eq!(refused(401, &json!({ "error": "invalid_client" })).class(), "auth");
        assert_eq!(refused(403, &suite("no")).class(), "permanent");
        assert_eq!(refused(404, &json!("page")).class(), "permanent");
        assert_eq!(
            refused(500, &json!({ "message": "Slim Application Error" })).class(),
            "transient"
        );
        assert_eq!(refused(503, &json!(null)).class(), "transient");
        let wait = Some(Duration::from_secs(7));
        assert_eq!(
            refusal(StatusCode::TOO_MANY_REQUESTS, wait, ""),
            CrmError::Throttled { retry_after: wait }
        );
    }

    #[test]
    fn an_answer_may_lack_data_and_attributes_or_hold_other_scalars() {
        for empty in
            [json!({}), json!({ "data": null }), json!({ "data": [] }), json!({ "data": {} })]
        {
            assert!(records(&empty).is_empty());
            assert_eq!(record(&empty).unwrap_err().class(), "transient");
        }
        let bare = record(&json!({ "data": { "id": "1", "attributes": [] } })).unwrap();
        assert_eq!(bare.text("name"), None);
        let odd = record(
            &json!({ "data": { "id": "1", "attributes": { "a": null, "b": 7, "c": "x" } } }),
        )
        .unwrap();
        assert_eq!(["a", "b", "c"].map(|name| odd.text(name).unwrap()), ["", "7", "x"]);
    }
}
