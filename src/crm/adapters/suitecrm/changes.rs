use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::SuiteCrm;
use super::answer::{Record, records};
use super::api::Query;
use super::{cases, notes};
use crate::crm::CrmError;
use crate::crm::adapters::{Changes, Position};
use crate::crm::case::{RemoteCase, RemoteNote};

pub(super) const PAGE_SIZE: usize = 100;
/// A row is stamped when its save starts; one that commits up to this much later is still found.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// How far we stay behind the CRM's clock, which its answers tell to the second.
const LAG: TimeDelta = TimeDelta::seconds(2);
/// The longest window read at once, so that catching up after an outage needs little memory.
const LONGEST: TimeDelta = TimeDelta::hours(1);

impl SuiteCrm {
    /// Every case and note modified since the watermark, or within the hour that follows it;
    /// call again while the returned watermark is far behind `now`.
    ///
    /// Windows overlap, so that most changes are seen more than once. The bounds of the windows
    /// and never the stamps of the rows move the watermark: SuiteCRM compares whole seconds but
    /// answers with minutes. Deletions and changed relations do not show.
    pub async fn changed_since(
        &self,
        watermark: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Changes, CrmError> {
        self.api.sign_in().await?;
        let until = (self.api.crm_time(now) - LAG).min(watermark + LONGEST);
        // A clock that was put back, and a second look within a second, find what is new all the same.
        let from = watermark.min(until) - OVERLAP;
        let (from, to) = (filter_time(from), filter_time(until));
        let window =
            [("date_modified", "gte", from.as_str()), ("date_modified", "lt", to.as_str())];

        let (_, columns) = cases::columns(&self.fields);
        let found = self.list(cases::MODULE, &columns, &window).await?;
        let cases = found
            .iter()
            .map(|record| cases::remote_case(&self.fields, record))
            .collect::<Result<_, _>>()?;

        let of_cases = [window.as_slice(), &[("parent_type", "eq", cases::MODULE)]].concat();
        let found = self.list(notes::MODULE, notes::COLUMNS, &of_cases).await?;
        let with_case = found.iter().filter_map(|record| Some((notes::case_id(record)?, record)));
        let notes = with_case
            .map(|(case_id, record)| Ok((case_id, notes::remote_note(record)?)))
            .collect::<Result<_, CrmError>>()?;
        Ok(changes(cases, notes, until.max(watermark)))
    }

    /// Every record that passes the filters (attribute, operator, value).
    ///
    /// Walks along the ids, which never change, instead of page numbers: a row that leaves the
    /// window while we read then shifts no other row into a page that we have read already.
    pub(super) async fn list(
        &self,
        module: &str,
        columns: &str,
        filters: &[(&str, &str, &str)],
    ) -> Result<Vec<Record>, CrmError> {
        let mut found: Vec<Record> = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let after = found.last().map(|record| record.id.as_str());
            let page = self.page(module, columns, filters, after).await?;
            let full = page.len() >= PAGE_SIZE;
            for record in page {
                if !seen.insert(record.id.clone()) {
                    return Err(CrmError::permanent(
                        "the CRM ignores the filter by id; lists cannot be read",
                    ));
                }
                found.push(record);
            }
            if !full {
                return Ok(found);
            }
        }
    }

    /// The next rows after the id `after`, by id; fewer than [`PAGE_SIZE`] are the last.
    pub(super) async fn page(
        &self,
        module: &str,
        columns: &str,
        filters: &[(&str, &str, &str)],
        after: Option<&str>,
    ) -> Result<Vec<Record>, CrmError> {
        let query = page_query(module, columns, filters, after);
        Ok(records(&self.api.get(&["module", module], &query).await.map_err(row_vanished)?))
    }
}

fn changes(
    cases: Vec<RemoteCase>,
    notes: Vec<(String, RemoteNote)>,
    until: DateTime<Utc>,
) -> Changes {
    let position = Position { time: until, cursor: None };
    Changes { cases, notes, deleted: Vec::new(), position }
}

fn page_query(
    module: &str,
    columns: &str,
    filters: &[(&str, &str, &str)],
    after: Option<&str>,
) -> Query {
    let mut query = Query::from([
        (format!("fields[{module}]"), columns.to_owned()),
        ("sort".to_owned(), "id".to_owned()),
        // Without both of these SuiteCRM pages by its own rules.
        ("page[size]".to_owned(), PAGE_SIZE.to_string()),
        ("page[number]".to_owned(), "1".to_owned()),
    ]);
    let after = after.map(|id| ("id", "gt", id));
    for (attribute, operator, value) in filters.iter().copied().chain(after) {
        query.push((format!("filter[{attribute}][{operator}]"), value.to_owned()));
    }
    query
}

/// SuiteCRM reads each row of a list once more; one that is deleted in between fails the list.
fn row_vanished(e: CrmError) -> CrmError {
    match e {
        CrmError::NotFound { detail } => CrmError::Transient { detail },
        e => e,
    }
}

pub(super) fn filter_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}
