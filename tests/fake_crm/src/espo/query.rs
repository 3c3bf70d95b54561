//! Lists: conditions, order and pages.
use std::cmp::Ordering;

use actix_web::web::Query;
use serde::Deserialize;
use serde_json::Value;

use super::answer::Refusal;
use super::entities::Entity;
use super::state::Record;

const LARGEST_PAGE: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Search {
    select: Option<Vec<String>>,
    r#where: Vec<Value>,
    pub order_by: Option<String>,
    order: Option<String>,
    max_size: Option<usize>,
    offset: usize,
}

impl Search {
    /// From `searchParams`, or from parameters of their own.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query);
        let pairs = pairs.map_err(|_| Refusal::bad_request("Bad query."))?.into_inner();
        let value =
            |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let search: Self = match value("searchParams") {
            Some(json) => serde_json::from_str(json)
                .map_err(|_| Refusal::bad_request("Invalid search params JSON."))?,
            None => Self {
                select: value("select").map(|names| names.split(',').map(str::to_owned).collect()),
                r#where: Vec::new(),
                order_by: value("orderBy").map(str::to_owned),
                order: value("order").map(str::to_owned),
                max_size: value("maxSize").and_then(|size| size.parse().ok()),
                offset: value("offset").and_then(|offset| offset.parse().ok()).unwrap_or(0),
            },
        };
        match search.max_size {
            Some(size) if size > LARGEST_PAGE => {
                let reason =
                    format!("Max size should not exceed {LARGEST_PAGE}. Use offset and limit.");
                Err(Refusal::new(403, reason))
            }
            _ => Ok(search),
        }
    }

    /// How many rows there are, and those of the page that was asked for.
    pub fn run<'a>(
        &self,
        entity: &Entity,
        rows: impl Iterator<Item = &'a Record>,
    ) -> Result<(usize, Vec<&'a Record>), Refusal> {
        for item in &self.r#where {
            check(entity, item)?;
        }
        let wanted = |row: &&Record| self.r#where.iter().all(|item| holds(item, row));
        let mut found: Vec<&Record> = rows.filter(wanted).collect();
        if let Some(by) = &self.order_by {
            if !entity.knows(by) {
                let reason = format!("Order by non-existing field '{by}'.");
                return Err(Refusal::bad_request(reason));
            }
            found.sort_by(|a, b| compare(&a.value(by), &b.value(by)).then_with(|| a.id.cmp(&b.id)));
            if self.order.as_deref().is_some_and(|order| order.eq_ignore_ascii_case("desc")) {
                found.reverse();
            }
        }
        let total = found.len();
        let size = self.max_size.unwrap_or(LARGEST_PAGE);
        Ok((total, found.into_iter().skip(self.offset).take(size).collect()))
    }

    /// Whether an answer shows this attribute.
    pub fn shows(&self, attribute: &str) -> bool {
        attribute == "id"
            || self.select.as_ref().is_none_or(|names| names.iter().any(|name| name == attribute))
    }
}

/// The conditions that compare an attribute.
const COMPARISONS: [&str; 12] = [
    "equals",
    "notEquals",
    "greaterThan",
    "greaterThanOrEquals",
    "lessThan",
    "lessThanOrEquals",
    "in",
    "notIn",
    "isNull",
    "isNotNull",
    "contains",
    "startsWith",
];

/// The conditions that a condition is made of; `None` if it compares an attribute.
fn parts(item: &Value) -> Option<&Vec<Value>> {
    matches!(item["type"].as_str(), Some("and" | "or")).then(|| item["value"].as_array()).flatten()
}

fn check(entity: &Entity, item: &Value) -> Result<(), Refusal> {
    if let Some(parts) = parts(item) {
        return parts.iter().try_for_each(|part| check(entity, part));
    }
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let (how, attribute) = (text("type"), text("attribute"));
    if !COMPARISONS.contains(&how) {
        return Err(Refusal::bad_request(format!("Bad where item type '{how}'.")));
    }
    if !entity.knows(attribute) {
        let reason = format!("Not existing attribute '{attribute}' in where.");
        return Err(Refusal::bad_request(reason));
    }
    Ok(())
}

/// Whether a condition that was checked holds for a row.
fn holds(item: &Value, row: &Record) -> bool {
    if let Some(parts) = parts(item) {
        let mut parts = parts.iter().map(|part| holds(part, row));
        return if item["type"] == "and" { parts.all(|part| part) } else { parts.any(|part| part) };
    }
    let stored = row.value(item["attribute"].as_str().unwrap_or_default());
    let wanted = &item["value"];
    let order = (!stored.is_null()).then(|| compare(&stored, wanted));
    let among = || {
        let mut all = wanted.as_array().into_iter().flatten();
        all.any(|one| compare(&stored, one) == Ordering::Equal)
    };
    match item["type"].as_str().unwrap_or_default() {
        "equals" => order == Some(Ordering::Equal),
        "notEquals" => order != Some(Ordering::Equal),
        "greaterThan" => order == Some(Ordering::Greater),
        "greaterThanOrEquals" => order.is_some_and(Ordering::is_ge),
        "lessThan" => order == Some(Ordering::Less),
        "lessThanOrEquals" => order.is_some_and(Ordering::is_le),
        "in" => among(),
        "notIn" => !among(),
        "isNull" => stored.is_null(),
        "isNotNull" => !stored.is_null(),
        "contains" => folded(&stored).contains(&folded(wanted)),
        _ => folded(&stored).starts_with(&folded(wanted)),
    }
}

/// As the database compares: numbers as numbers, texts without regard to case, null first.
fn compare(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    if (a.is_number() || b.is_number())
        && let (Some(a), Some(b)) = (number(a), number(b))
    {
        return a.cmp(&b);
    }
    match (a.is_null(), b.is_null()) {
        (false, false) => folded(a).cmp(&folded(b)),
        (a, b) => b.cmp(&a),
    }
}

fn folded(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
