use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::EspoCrm;
use super::cases;
use super::record::written_time;
use super::search::{Search, compare};
use super::stream::Entry;
use crate::crm::CrmError;
use crate::crm::adapters::{Changes, Position};
use crate::crm::case::RemoteCase;

/// A row is stamped when its save starts; one that commits up to this much later is still found.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// How far we stay behind the CRM's clock, which its answers tell to the second.
const LAG: TimeDelta = TimeDelta::seconds(2);
/// The longest window read at once, so that catching up after an outage needs little memory.
const LONGEST: TimeDelta = TimeDelta::hours(1);

impl EspoCrm {
    /// Every case saved and every post written since the position, or within the hour that follows it. The cursor is the
    /// number of the last entry of the stream that was read.
    ///
    /// Windows overlap, so that most changes are seen more than once. Deletions and changed relations do not show.
    pub async fn changed_since(
        &self,
        from: &Position,
        now: DateTime<Utc>,
    ) -> Result<Changes, CrmError> {
        // The first answer tells the CRM's clock.
        self.api.reach(cases::MODULE).await?;
        let until = (self.api.crm_time(now) - LAG).min(from.time + LONGEST);
        // A clock that was put back, and a second look within a second, find what is new all the same.
        let overlapping = from.time.min(until) - OVERLAP;
        let mut cases = self.saved_cases(overlapping, until).await?;
        let number = from.cursor.as_deref().and_then(|number| number.parse().ok());
        let log = self.log(number, overlapping, until).await?;
        credit(&mut cases, &log);
        let last = log.iter().map(|entry| entry.number).max().max(number);
        let posts = log.into_iter().filter_map(|entry| Some((entry.case_id, entry.post?)));
        Ok(Changes {
            cases,
            notes: posts.collect(),
            deleted: Vec::new(),
            position: Position {
                time: until.max(from.time),
                cursor: last.map(|number| number.to_string()),
            },
        })
    }

    async fn saved_cases(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<RemoteCase>, CrmError> {
        let columns = cases::columns(&self.fields);
        let filters = vec![
            compare("greaterThanOrEquals", "modifiedAt", &written_time(from)),
            compare("lessThan", "modifiedAt", &written_time(until)),
        ];
        let search =
            Search { module: cases::MODULE, select: &columns, along: "modifiedAt", filters };
        let found = self.list(&search).await?;
        found.iter().map(|row| cases::remote_case(&self.fields, row)).collect()
    }
}

/// Names for each case who made its last change that the stream tells of, unless it was saved since.
fn credit(cases: &mut [RemoteCase], log: &[Entry]) {
    let saved = log.iter().filter(|entry| entry.saved);
    let latest: HashMap<&str, &Entry> =
        saved.map(|entry| (entry.case_id.as_str(), entry)).collect();
    for case in cases {
        if let Some(entry) = latest.get(case.id.as_str())
            && entry.created_at >= case.modified_at
            && entry.author.is_some()
        {
            case.modified_by.clone_from(&entry.author);
        }
    }
}
