use chrono::{DateTime, DurationRound as _, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::Salesforce;
use super::answer::{filled, time};
use super::notes::{self, RawComment};
use super::{cases, soql};
use crate::crm::CrmError;
use crate::crm::adapters::{Changes, Position};

/// Records of a page: as many as a query answers with.
const PAGE: usize = 2000;
/// A record is stamped when its transaction writes it; one that commits up to this much later is still found.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// How far we stay behind the CRM's clock, which its answers tell to the second.
const LAG: TimeDelta = TimeDelta::seconds(2);
/// The longest window read at once, so that catching up after an outage needs little memory.
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// With so many cases the window ends early: a mass update can change any number in an hour.
const MANY: usize = 10_000;
/// How often the log of deletions is read.
const DELETIONS: TimeDelta = TimeDelta::minutes(5);
/// The log goes back 15 days, and refuses to be asked for more.
const LOG: TimeDelta = TimeDelta::days(14);

impl Salesforce {
    /// Every case and comment changed since the position, or within the hour that follows it.
    ///
    /// Pages go along (stamp, id): all records of a transaction have the same stamp, so that a page can end among them. Windows
    /// overlap, and their bounds move the position, so that a transaction that commits late is not lost.
    ///
    /// A deleted case is among the changed ones while it is in the recycle bin. The log of deletions knows those that have left
    /// it; how far that was read is the cursor.
    pub(super) async fn changed_since(
        &self,
        from: &Position,
        now: DateTime<Utc>,
    ) -> Result<Changes, CrmError> {
        let api = &self.cases.api;
        api.user().await?;
        let until = (api.crm_time(now) - LAG).min(from.time + LONGEST);
        // A clock that was put back, and a second look within a second, find what is new all the same.
        let start = from.time.min(until);
        let since = start - OVERLAP;
        let columns = format!("IsDeleted,{}", self.cases.columns());
        let enough = Some(start + OVERLAP);
        let (records, until) = self.window(cases::OBJECT, &columns, since, until, enough).await?;
        let mut cases = Vec::new();
        let mut deleted = Vec::new();
        for record in &records {
            match (record["IsDeleted"] == true, filled(record, "Id")) {
                (true, Some(id)) => deleted.push(id),
                _ => cases.push(self.cases.remote_case(record)?),
            }
        }
        let (records, _) = self.window(notes::OBJECT, notes::COLUMNS, since, until, None).await?;
        let comments = records.iter().filter(|record| record["IsDeleted"] != true);
        let comments = comments.map(RawComment::read).collect::<Result<Vec<_>, _>>()?;
        let notes = comments.into_iter().filter_map(RawComment::changed).collect();
        let (logged, cursor) = self.deletions(from, until).await?;
        // One that was deleted before the last whole minute is in the log and in the recycle bin.
        deleted.extend(logged);
        deleted.sort_unstable();
        deleted.dedup();
        Ok(Changes {
            cases,
            notes,
            deleted,
            position: Position { time: until.max(from.time), cursor },
        })
    }

    /// The records of an object stamped in a window, and where the window ends: early, if there are many up to `enough`.
    async fn window(
        &self,
        object: &str,
        columns: &str,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        enough: Option<DateTime<Utc>>,
    ) -> Result<(Vec<Value>, DateTime<Utc>), CrmError> {
        let mut found: Vec<Value> = Vec::new();
        loop {
            let last = found.last().map(|last| Ok::<_, CrmError>((time(last, STAMP)?, last)));
            let after = match last.transpose()? {
                None => format!("{STAMP} >= {}", soql::time(since)),
                Some((stamp, _)) if found.len() >= MANY && enough.is_some_and(|e| stamp >= e) => {
                    return Ok((found, stamp));
                }
                Some((stamp, last)) => {
                    let id = soql::quote(&filled(last, "Id").unwrap_or_default());
                    let stamp = soql::time(stamp);
                    format!("({STAMP} > {stamp} OR ({STAMP} = {stamp} AND Id > {id}))")
                }
            };
            let soql = format!(
                "SELECT {columns} FROM {object} WHERE {STAMP} < {} AND {after} \
                 ORDER BY {STAMP},Id LIMIT {PAGE}",
                soql::time(until),
            );
            let (page, done) = self.cases.api.query_all(&soql).await?;
            // An answer may be cut short where its records are large.
            let complete = page.is_empty() || done && page.len() < PAGE;
            found.extend(page);
            if complete {
                return Ok((found, until));
            }
        }
    }

    /// The cases that the log of deletions names, and where it is to be read on ("sObject Get Deleted": seconds do not count,
    /// and the next start is `latestDateCovered`).
    async fn deletions(
        &self,
        from: &Position,
        until: DateTime<Utc>,
    ) -> Result<(Vec<String>, Option<String>), CrmError> {
        let read = from.cursor.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let read = read.map_or(from.time, |at| at.to_utc());
        if until - read < DELETIONS {
            return Ok((Vec::new(), Some(minute(read))));
        }
        let (start, end) = (minute(read.max(until - LOG)), minute(until));
        let query = [("start", start.as_str()), ("end", end.as_str())];
        let path = ["sobjects", cases::OBJECT, "deleted", ""];
        let answer = match self.cases.api.get(&path, &query).await {
            // The log has been cut, or holds too much. What is in the recycle bin shows all the same.
            Err(CrmError::Permanent { detail }) => {
                tracing::warn!(detail, "the log of deletions was not read");
                return Ok((Vec::new(), Some(end)));
            }
            answer => answer?,
        };
        let records = answer["deletedRecords"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ids = records.iter().filter_map(|record| filled(record, "id")).collect();
        let covered = time(&answer, "latestDateCovered").unwrap_or(until).max(read);
        Ok((ids, Some(minute(covered))))
    }
}

/// When a user or an automatic process changed a record last.
const STAMP: &str = "SystemModstamp";

fn minute(time: DateTime<Utc>) -> String {
    let cut = time.duration_trunc(TimeDelta::minutes(1)).unwrap_or(time);
    cut.to_rfc3339_opts(SecondsFormat::Secs, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_deletions_is_asked_for_in_whole_minutes() {
        let time = DateTime::parse_from_rfc3339("2026-05-05T10:20:59.5Z").unwrap().to_utc();
        assert_eq!(minute(time), "2026-05-05T10:20:00+00:00");
    }
}
