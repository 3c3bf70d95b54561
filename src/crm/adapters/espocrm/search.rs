//! Lists, read along a key.
use std::collections::HashSet;

use serde_json::{Value, json};

use super::EspoCrm;
use super::record::{Record, records};
use crate::crm::CrmError;

/// EspoCRM refuses more.
pub(super) const PAGE_SIZE: usize = 200;

/// What to list. Rows come in the order of the attribute `along` and then of their ids, so that a row that moves while the
/// pages are read shifts no other row into a page that was read already.
pub(super) struct Search<'a> {
    pub module: &'a str,
    pub select: &'a [&'a str],
    pub along: &'a str,
    /// All must hold.
    pub filters: Vec<Value>,
}

/// Where a page ended: the value of the attribute that the list goes along, and the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub value: String,
    pub id: String,
}

impl Key {
    fn of(row: &Record, along: &str) -> Self {
        Self { value: row.text(along).unwrap_or_default(), id: row.id.clone() }
    }
}

impl EspoCrm {
    /// The rows that follow the key, and the key of the last of them if there may be more.
    pub(super) async fn page(
        &self,
        search: &Search<'_>,
        after: Option<&Key>,
    ) -> Result<(Vec<Record>, Option<Key>), CrmError> {
        let params = params(search, after).to_string();
        let answer = self.api.get(&[search.module], &[("searchParams", &params)]).await?;
        let rows = records(answer)?;
        let full = rows.len() >= PAGE_SIZE;
        let next = rows.last().filter(|_| full).map(|last| Key::of(last, search.along));
        Ok((rows, next))
    }

    /// Every row.
    pub(super) async fn list(&self, search: &Search<'_>) -> Result<Vec<Record>, CrmError> {
        let mut found: Vec<Record> = Vec::new();
        let mut seen = HashSet::new();
        let mut after = None;
        loop {
            let (page, next) = self.page(search, after.as_ref()).await?;
            for row in page {
                if !seen.insert(row.id.clone()) {
                    let ignored = "the CRM ignores the filter by key; lists cannot be read";
                    return Err(CrmError::permanent(ignored));
                }
                found.push(row);
            }
            if next.is_none() {
                return Ok(found);
            }
            after = next;
        }
    }
}

pub(super) fn is(attribute: &str, value: &str) -> Value {
    compare("equals", attribute, value)
}

/// A condition: `equals`, `greaterThan`, `lessThan`, `greaterThanOrEquals`, `contains` ...
pub(super) fn compare(how: &str, attribute: &str, value: &str) -> Value {
    json!({ "type": how, "attribute": attribute, "value": value })
}

pub(super) fn any_of(conditions: &[Value]) -> Value {
    json!({ "type": "or", "value": conditions })
}

fn params(search: &Search<'_>, after: Option<&Key>) -> Value {
    let mut filters = search.filters.clone();
    filters.extend(after.map(|key| {
        let same = [is(search.along, &key.value), compare("greaterThan", "id", &key.id)];
        any_of(&[
            compare("greaterThan", search.along, &key.value),
            json!({ "type": "and", "value": same }),
        ])
    }));
    json!({
        "select": search.select,
        "where": filters,
        "orderBy": search.along,
        "order": "asc",
        "maxSize": PAGE_SIZE,
    })
}
