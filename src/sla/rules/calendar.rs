//! Business time: how much of a span counts, and when so much of it will have passed.
use std::collections::BTreeMap;

use chrono::{
    DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeDelta,
    TimeZone as _, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::{ClockTime, Day, WorkingHours, check_week};

/// Days beyond which no business time is looked for.
const HORIZON: u64 = 3_660;
/// Windows that a week has at the most.
const WINDOWS: usize = 100;

/// A window of business time on one day, by the clock of the calendar's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "09:00", "to": "12:00"}))]
pub struct Window {
    #[schema(example = "09:00")]
    pub from: ClockTime,
    /// Not included.
    #[schema(example = "12:00")]
    pub to: ClockTime,
}

/// When business time passes. Summer time needs no rule of its own: an instant counts when the clock on the wall shows a time
/// inside a window, so the hour that comes twice counts twice, and the hour that is left out does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessHours {
    pub time_zone: Tz,
    pub week: Vec<WorkingHours>,
    /// Days with windows of their own; a holiday has none.
    pub exceptions: BTreeMap<NaiveDate, Vec<Window>>,
}

/// From then until then, the end not included.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// Says what is wrong with a week: windows that overlap or end before they start, too many of them, or none.
pub fn check_business_week(week: &[WorkingHours]) -> Result<(), String> {
    if week.is_empty() {
        return Err("a calendar without any window never counts".into());
    }
    if week.len() > WINDOWS {
        return Err(format!("more than {WINDOWS} windows"));
    }
    check_week(week)
}

/// Says what is wrong with the windows of one day, which may be none.
pub fn check_windows(windows: &[Window]) -> Result<(), String> {
    let on_a_day =
        |window: &Window| WorkingHours { day: Day::Mon, from: window.from, to: window.to };
    if windows.len() > WINDOWS {
        return Err(format!("more than {WINDOWS} windows"));
    }
    check_week(&windows.iter().map(on_a_day).collect::<Vec<_>>()).map_err(|_| {
        "the windows of a day must not overlap, and each ends after it starts".to_owned()
    })
}

impl BusinessHours {
    /// The business time in a span; zero when it ends before it starts.
    pub fn between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
        let mut passed = TimeDelta::zero();
        let mut day = from.date_naive();
        while day.and_time(NaiveTime::MIN).and_utc() < until {
            for (start, end) in self.spans(day) {
                let counted = end.min(until) - start.max(from);
                passed += counted.max(TimeDelta::zero());
            }
            let Some(next) = day.succ_opt() else { break };
            day = next;
        }
        passed
    }

    /// The earliest instant until which so much business time passes from `from` on; `from` itself for none. `None` when that
    /// is more than ten years ahead.
    pub fn add(&self, from: DateTime<Utc>, time: TimeDelta) -> Option<DateTime<Utc>> {
        let mut left = time;
        if left <= TimeDelta::zero() {
            return Some(from);
        }
        let days = (0..HORIZON).filter_map(|n| from.date_naive().checked_add_days(Days::new(n)));
        for (start, end) in days.flat_map(|day| self.spans(day)) {
            let start = start.max(from);
            if end <= start {
                continue;
            }
            if left <= end - start {
                return Some(start + left);
            }
            left -= end - start;
        }
        None
    }

    /// True when business time passes at this instant.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.spans(at.date_naive()).iter().any(|(start, end)| *start <= at && at < *end)
    }

    /// The business time of a day in UTC, in order. Clocks are put forward or back at most once in such a day.
    fn spans(&self, day: NaiveDate) -> Vec<Span> {
        let start = day.and_time(NaiveTime::MIN).and_utc();
        let end = start + TimeDelta::days(1);
        let (before, after) = (self.offset(start), self.offset(end - TimeDelta::seconds(1)));
        let mut spans = Vec::new();
        if before == after {
            self.add_spans((start, end), before, &mut spans);
        } else {
            let change = self.change(start, end);
            self.add_spans((start, change), before, &mut spans);
            self.add_spans((change, end), after, &mut spans);
        }
        spans
    }

    /// How far the clocks are ahead of UTC.
    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        let offset = self.time_zone.offset_from_utc_datetime(&at.naive_utc());
        TimeDelta::seconds(offset.fix().local_minus_utc().into())
    }

    /// The second in which the clocks change between two instants.
    fn change(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> DateTime<Utc> {
        let before = self.offset(start);
        let (mut same, mut changed) = (0, (end - start).num_seconds());
        while changed - same > 1 {
            let middle = i64::midpoint(same, changed);
            if self.offset(start + TimeDelta::seconds(middle)) == before {
                same = middle;
            } else {
                changed = middle;
            }
        }
        start + TimeDelta::seconds(changed)
    }

    /// The windows that the clock shows in a span in which it runs evenly.
    fn add_spans(&self, (start, end): Span, offset: TimeDelta, spans: &mut Vec<Span>) {
        let shown = |at: DateTime<Utc>| at.naive_utc() + offset;
        let (first, last) = (shown(start).date(), shown(end).date());
        for date in first.iter_days().take_while(|date| *date <= last) {
            for (from, to) in self.windows(date) {
                let from = (from - offset).and_utc().max(start);
                let to = (to - offset).and_utc().min(end);
                if from < to {
                    spans.push((from, to));
                }
            }
        }
    }

    /// The windows of a date by the clock, in order.
    fn windows(&self, date: NaiveDate) -> Vec<(NaiveDateTime, NaiveDateTime)> {
        let midnight = date.and_time(NaiveTime::MIN);
        let at = |time: ClockTime| midnight + TimeDelta::minutes(time.minutes().into());
        let mut windows: Vec<_> = match self.exceptions.get(&date) {
            Some(windows) => windows.iter().map(|w| (at(w.from), at(w.to))).collect(),
            None => {
                let day = Day::ALL[date.weekday().num_days_from_monday() as usize];
                let today = self.week.iter().filter(|window| window.day == day);
                today.map(|w| (at(w.from), at(w.to))).collect()
            }
        };
        windows.sort_unstable();
        windows
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
