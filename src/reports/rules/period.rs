//! A span of time, cut into buckets by the clock and the calendar of whoever looks.
use chrono::{
    DateTime, Datelike as _, Days, LocalResult, Months, NaiveDate, NaiveTime, Offset as _,
    TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;

use crate::kernel::{AppError, TimeZone, rfc3339, text_enum};

/// Buckets of a report at the most: the hours of a month, one of them with 25 hours to its day.
pub const BUCKETS_MAX: usize = 745;
/// Buckets of each group at the most.
pub const GROUPED_BUCKETS_MAX: usize = 100;
/// What a report is about when nobody says otherwise.
const USUAL_DAYS: u64 = 30;

text_enum! {
    /// How long the parts of a period are, by the viewer's clock: a day can have 23 or 25 hours. Weeks begin on Mondays.
    BucketSize {
        Hour = "hour",
        Day = "day",
        Week = "week",
        Month = "month",
    }
}

/// A period and its buckets. Every bucket, and the whole, contains its beginning and not its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    pub time_zone: TimeZone,
    pub bucket: BucketSize,
    /// The beginnings of the buckets, and the end of the last.
    edges: Vec<DateTime<Utc>>,
}

/// What somebody asks for; each in the words of the query.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub from: Option<String>,
    pub to: Option<String>,
    pub bucket: Option<BucketSize>,
}

impl Period {
    /// The last 30 days with today, by days, when nothing is asked for. Fails with [`AppError::Malformed`] for what is no time, and with
    /// [`AppError::Invalid`] for an end that is not behind the beginning and for more than `most` buckets.
    pub fn new(
        asked: &Asked,
        time_zone: TimeZone,
        most: usize,
        now: DateTime<Utc>,
    ) -> Result<Self, AppError> {
        let zone = time_zone.0;
        let today = now.with_timezone(&zone).date_naive();
        let to = match &asked.to {
            Some(text) => moment("to", text, zone)?,
            None => midnight(today + Days::new(1), zone),
        };
        let from = match &asked.from {
            Some(text) => moment("from", text, zone)?,
            None => midnight(to.with_timezone(&zone).date_naive() - Days::new(USUAL_DAYS), zone),
        };
        if to <= from {
            return Err(AppError::field("/to", "the end must be behind the beginning"));
        }
        let bucket = asked.bucket.unwrap_or(BucketSize::Day);
        let mut edges = vec![from];
        let mut last = from;
        while last < to {
            last = bucket.end(last, zone).min(to);
            edges.push(last);
            if edges.len() > most + 1 {
                let detail =
                    format!("the period has more than {most} of these: ask for longer ones");
                return Err(AppError::field("/bucket", detail));
            }
        }
        Ok(Self { time_zone, bucket, edges })
    }

    pub fn from(&self) -> DateTime<Utc> {
        self.edges.first().copied().unwrap_or_default()
    }

    /// Not included.
    pub fn to(&self) -> DateTime<Utc> {
        self.edges.last().copied().unwrap_or_default()
    }

    /// The beginnings of the buckets.
    pub fn starts(&self) -> &[DateTime<Utc>] {
        self.edges.split_last().map_or(&[], |(_, starts)| starts)
    }

    /// From when until when each bucket is.
    pub fn buckets(&self) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        self.edges.windows(2).map(|pair| (pair[0], pair[1]))
    }
}

impl BucketSize {
    /// Where the bucket that this instant is in ends.
    fn end(self, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let local = at.with_timezone(&zone);
        let date = local.date_naive();
        let next = match self {
            Self::Hour => {
                let passed = local.minute() * 60 + local.second();
                let whole = at - TimeDelta::nanoseconds(local.nanosecond().into());
                let full = whole + TimeDelta::seconds((3_600 - passed).into());
                // On the Chatham Islands the clock is put forward at a quarter to three.
                let same = |at: DateTime<Utc>| {
                    at.with_timezone(&zone).offset().fix() == local.offset().fix()
                };
                if same(full - TimeDelta::seconds(1)) {
                    return full;
                }
                return first_second(whole, full, |at| !same(at));
            }
            Self::Day => date + Days::new(1),
            Self::Week => date + Days::new(7 - u64::from(date.weekday().num_days_from_monday())),
            Self::Month => date - Days::new(u64::from(date.day0())) + Months::new(1),
        };
        midnight(next, zone)
    }
}

/// A date stands for its beginning.
fn moment(name: &str, text: &str, zone: Tz) -> Result<DateTime<Utc>, AppError> {
    let moment = match text.parse::<NaiveDate>() {
        Ok(date) if (1970..9_000).contains(&date.year()) => Some(midnight(date, zone)),
        Ok(_) => None,
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|time| rfc3339::kept(time.to_utc())),
    };
    let fits = moment.filter(|time| (2_000..2_200).contains(&time.year()));
    fits.ok_or_else(|| {
        let detail = "a date, or a time of RFC 3339, between 2000 and 2200";
        AppError::Malformed(format!("query parameter {name}: {detail}"))
    })
}

/// When a date begins. Where the clocks are put forward over midnight, that is when they are.
fn midnight(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let local = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            let (before, after) =
                (local.and_utc() - TimeDelta::hours(36), local.and_utc() + TimeDelta::hours(36));
            first_second(before, after, |at| at.with_timezone(&zone).date_naive() >= date)
        }
    }
}

/// The first second for which it is so, as it is for `after` and is not for `before`.
fn first_second(
    mut before: DateTime<Utc>,
    mut after: DateTime<Utc>,
    so: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if so(middle) { after = middle } else { before = middle }
    }
    after
}

#[cfg(test)]
#[path = "period_tests.rs"]
mod tests;
