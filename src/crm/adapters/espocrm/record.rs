//! EspoCRM's records, read with as few assumptions as possible.
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;

use crate::crm::CrmError;

const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// A record of an answer.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub id: String,
    attributes: Value,
}

impl Record {
    /// The attribute as text, empty if it is null; `None` if the answer does not have it.
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

    pub fn time(&self, name: &str) -> Result<DateTime<Utc>, CrmError> {
        let text = self.text(name).unwrap_or_default();
        let time = NaiveDateTime::parse_from_str(&text, TIME);
        time.map(|time| time.and_utc()).map_err(|_| {
            CrmError::permanent(&format!("{name} of {} is not a time: {text:?}", self.id))
        })
    }
}

/// The record that an answer is.
pub(super) fn record(answer: Value) -> Result<Record, CrmError> {
    read(answer).ok_or_else(|| CrmError::transient("the answer is no record"))
}

/// The records of an answer that is a page of a list.
pub(super) fn records(mut answer: Value) -> Result<Vec<Record>, CrmError> {
    match answer.get_mut("list").map(Value::take) {
        Some(Value::Array(rows)) => Ok(rows.into_iter().filter_map(read).collect()),
        _ => Err(CrmError::transient("the answer is no list")),
    }
}

/// A time as EspoCRM writes it, in UTC.
pub(super) fn written_time(time: DateTime<Utc>) -> String {
    time.format(TIME).to_string()
}

fn read(attributes: Value) -> Option<Record> {
    let id = attributes["id"].as_str().filter(|id| !id.is_empty())?.to_owned();
    Some(Record { id, attributes })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_may_lack_attributes_or_hold_other_scalars() {
        let odd = record(json!({ "id": "1", "a": null, "b": 7, "c": "x" })).unwrap();
        assert_eq!(["a", "b", "c"].map(|name| odd.text(name).unwrap()), ["", "7", "x"]);
        assert_eq!((odd.text("d"), odd.filled("a")), (None, None));
        assert_eq!(odd.time("a").unwrap_err().class(), "permanent");
    }

    #[test]
    fn an_answer_without_a_record_or_a_list_is_none_of_espocrm() {
        for strange in [json!({}), json!(true), json!({ "list": {} })] {
            assert_eq!(record(strange.clone()).unwrap_err().class(), "transient");
            assert_eq!(records(strange).unwrap_err().class(), "transient");
        }
        assert!(records(json!({ "total": 0, "list": [] })).unwrap().is_empty());
    }

    #[test]
    fn times_are_in_utc_to_the_second() {
        let row = record(json!({ "id": "1", "at": "2026-01-02 03:04:05" })).unwrap();
        assert_eq!(row.time("at").unwrap().to_rfc3339(), "2026-01-02T03:04:05+00:00");
        assert_eq!(written_time(row.time("at").unwrap()), "2026-01-02 03:04:05");
    }
}
