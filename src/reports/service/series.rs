//! From cells to a document: every bucket has its figures, also without anything to count.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use uuid::Uuid;

use crate::kernel::{Actor, AppError, Permission, TimeZone};
use crate::people;
use crate::reports::rules::{
    About, Asked, BUCKETS_MAX, Bucket, GROUPED_BUCKETS_MAX, GROUPS_MAX, Group, GroupBy, Period,
    Report, Series,
};
use crate::reports::store::{self, Cell, NOW, Tickets};
use crate::tickets::{self, Filter};

/// What a report is asked about.
#[derive(Debug, Clone)]
pub struct Query {
    pub period: Period,
    pub group_by: Option<GroupBy>,
    pub filter: Filter,
    pub now: DateTime<Utc>,
}

impl Query {
    /// Times without a zone are the calling agent's, or UTC. Fails as [`Period::new`] does.
    pub fn new(
        conn: &mut PgConnection,
        actor: &Actor,
        asked: &Asked,
        time_zone: Option<Tz>,
        group_by: Option<GroupBy>,
        filter: Filter,
        now: DateTime<Utc>,
    ) -> Result<Self, AppError> {
        let time_zone = match (time_zone, actor.agent_id()) {
            (Some(zone), _) => TimeZone(zone),
            (None, Some(agent)) => people::get_agent(conn, agent)?.time_zone,
            (None, None) => TimeZone::UTC,
        };
        let most = if group_by.is_some() { GROUPED_BUCKETS_MAX } else { BUCKETS_MAX };
        let period = Period::new(asked, time_zone, most, now)?;
        Ok(Self { period, group_by, filter, now })
    }

    /// The tickets that it is about. Fails with [`AppError::Forbidden`].
    pub(super) fn tickets(
        &self,
        conn: &mut PgConnection,
        actor: &Actor,
    ) -> Result<Tickets, AppError> {
        actor.require(Permission::ReportsRead)?;
        tickets::service::selection(conn, actor, &self.filter, self.now)
    }

    fn about(&self, conn: &mut PgConnection) -> Result<About, AppError> {
        Ok(About {
            from: self.period.from(),
            to: self.period.to(),
            time_zone: self.period.time_zone,
            bucket: self.period.bucket,
            group_by: self.group_by,
            as_of: store::as_of(conn, self.now)?,
        })
    }
}

/// The numbers of one line: of the whole, and of its buckets.
pub(super) struct Line {
    pub whole: Vec<Option<i64>>,
    buckets: HashMap<i32, Vec<Option<i64>>>,
}

impl Line {
    fn new() -> Self {
        Self { whole: Vec::new(), buckets: HashMap::new() }
    }

    /// What is now.
    pub fn now(&self) -> Vec<Option<i64>> {
        self.at(NOW)
    }

    /// The numbers of a bucket, from 1 on; empty when there are none.
    pub fn at(&self, bucket: i32) -> Vec<Option<i64>> {
        self.buckets.get(&bucket).cloned().unwrap_or_default()
    }

    /// A bucket for each of the period's.
    pub fn buckets<F>(
        &self,
        period: &Period,
        mut figures: impl FnMut(&[Option<i64>], (DateTime<Utc>, DateTime<Utc>)) -> F,
    ) -> Vec<Bucket<F>> {
        let numbered = (1..).zip(period.buckets());
        let bucket = |(number, (from, to)): (i32, _)| {
            let numbers = self.buckets.get(&number).map_or(&[][..], Vec::as_slice);
            Bucket { from, to, figures: figures(numbers, (from, to)) }
        };
        numbered.map(bucket).collect()
    }

    /// The same figures of the whole as of each bucket.
    pub fn alike<F>(&self, period: &Period, figures: impl Fn(&[Option<i64>]) -> F) -> Series<F, F> {
        Series {
            total: figures(&self.whole),
            buckets: self.buckets(period, |numbers, _| figures(numbers)),
        }
    }
}

/// The number at this place, 0 where there is none.
pub(super) fn number(numbers: &[Option<i64>], place: usize) -> i64 {
    numbers.get(place).copied().flatten().unwrap_or(0)
}

/// The document that the cells make; `series` makes the figures of a line.
pub(super) fn report<W, F>(
    conn: &mut PgConnection,
    query: &Query,
    cells: Vec<Cell>,
    series: impl Fn(&Line) -> Series<W, F>,
) -> Result<Report<W, F>, AppError> {
    let mut all = Line::new();
    let mut places: HashMap<i32, (Option<Uuid>, Line)> = HashMap::new();
    for cell in cells {
        let line = match cell.place {
            None => &mut all,
            Some(place) => &mut places.entry(place).or_insert((cell.dim, Line::new())).1,
        };
        match cell.bucket {
            None => line.whole = cell.numbers,
            Some(bucket) => _ = line.buckets.insert(bucket, cell.numbers),
        }
    }
    let last = i32::try_from(GROUPS_MAX).unwrap_or(i32::MAX) + 1;
    let others = places.remove(&last).map(|(_, line)| series(&line));
    let mut places: Vec<_> = places.into_iter().collect();
    places.sort_unstable_by_key(|(place, _)| *place);
    let ids: Vec<Uuid> = places.iter().filter_map(|(_, (id, _))| *id).collect();
    let names: HashMap<Uuid, String> = match query.group_by {
        Some(by) => {
            store::names(conn, by, &ids)?.into_iter().map(|one| (one.id, one.name)).collect()
        }
        None => HashMap::new(),
    };
    let group = |(_, (id, line)): (i32, (Option<Uuid>, Line))| {
        let id = id.filter(|id| !id.is_nil());
        let name = id.and_then(|id| names.get(&id).cloned());
        Group { id, name, series: series(&line) }
    };
    let groups = places.into_iter().map(group).collect();
    Ok(Report { about: query.about(conn)?, series: series(&all), groups, others })
}
