//! When an agent is there: inside their working hours, neither away nor on leave. Pure.
use chrono::{
    DateTime, Datelike as _, Days, LocalResult, NaiveDate, TimeDelta, TimeZone as _, Timelike as _,
    Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClockTime, Day, WorkingHours};

/// Leaves that an agent has at the most.
const LEAVES: usize = 100;
/// A week repeats itself after so many days, whatever hour it began at.
const A_WEEK: u64 = 8;

/// A time in which an agent is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "2030-12-24T00:00:00Z", "until": "2030-12-27T00:00:00Z"}))]
pub struct Leave {
    pub from: DateTime<Utc>,
    /// Not included.
    pub until: DateTime<Utc>,
}

/// Tells what is wrong with leaves: one that ends before it starts, or too many.
pub fn check_leaves(leaves: &[Leave]) -> Result<(), String> {
    if leaves.len() > LEAVES {
        return Err(format!("more than {LEAVES} leaves"));
    }
    match leaves.iter().find(|leave| leave.from >= leave.until) {
        Some(leave) => Err(format!("a leave from {} does not end after it starts", leave.from)),
        None => Ok(()),
    }
}

/// What decides whether an agent is there.
#[derive(Debug, Clone, Copy)]
pub struct Duty<'a> {
    /// Without it, every hour is a working hour.
    pub week: Option<&'a [WorkingHours]>,
    pub time_zone: Tz,
    pub away: bool,
    pub leave_until: Option<DateTime<Utc>>,
    pub leaves: &'a [Leave],
}

impl Duty<'_> {
    /// True when the agent is there now: not away, not on leave, and inside a window of their working hours by the clock of
    /// their time zone. Summer time needs no rule of its own: the clock on the wall decides.
    pub fn on_duty(&self, now: DateTime<Utc>) -> bool {
        !self.away && !self.on_leave(now) && self.in_hours(now)
    }

    fn on_leave(&self, now: DateTime<Utc>) -> bool {
        self.leave_until.is_some_and(|until| now < until)
            || self.leaves.iter().any(|leave| leave.from <= now && now < leave.until)
    }

    fn in_hours(&self, now: DateTime<Utc>) -> bool {
        let Some(week) = self.week else { return true };
        let local = now.with_timezone(&self.time_zone);
        let today = Day::ALL[local.weekday().num_days_from_monday() as usize];
        let time = ClockTime(local.hour() * 60 + local.minute());
        week.iter().any(|window| window.day == today && window.from <= time && time < window.to)
    }

    /// When the agent will come, or go if they are there; `None` when nothing says so: nobody knows how long one is away.
    pub fn changes_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let present = self.on_duty(now);
        let mut moments = self.moments(now);
        moments.sort_unstable();
        moments.into_iter().find(|moment| *moment > now && self.on_duty(*moment) != present)
    }

    /// Every moment at which the agent can come or go until a week after the last leave.
    fn moments(&self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut moments: Vec<_> = self.leave_until.into_iter().collect();
        moments.extend(self.leaves.iter().flat_map(|leave| [leave.from, leave.until]));
        let Some(week) = self.week else { return moments };
        let starts: Vec<_> =
            moments.iter().copied().chain([now]).filter(|moment| *moment >= now).collect();
        for start in starts {
            let first = start.with_timezone(&self.time_zone).date_naive();
            for date in (0..A_WEEK).filter_map(|day| first.checked_add_days(Days::new(day))) {
                let day = Day::ALL[date.weekday().num_days_from_monday() as usize];
                for window in week.iter().filter(|window| window.day == day) {
                    moments.extend(instants(self.time_zone, date, window.from));
                    moments.extend(instants(self.time_zone, date, window.to));
                }
            }
        }
        moments
    }
}

/// When the clock shows that time on that day: once, twice when it is put back, and when it is put forward over that time,
/// the moment after.
fn instants(zone: Tz, date: NaiveDate, ClockTime(minutes): ClockTime) -> Vec<DateTime<Utc>> {
    let midnight = date.and_time(chrono::NaiveTime::MIN);
    let mut local = midnight + TimeDelta::minutes(minutes.into());
    // No clock is put forward by more than a day.
    for _ in 0..=24 * 4 {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(time) => return vec![time.to_utc()],
            LocalResult::Ambiguous(first, second) => return vec![first.to_utc(), second.to_utc()],
            LocalResult::None => local += TimeDelta::minutes(15),
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(day: Day, from: &str, to: &str) -> WorkingHours {
        let time = |text: &str| ClockTime::try_from(text.to_owned()).unwrap();
        WorkingHours { day, from: time(from), to: time(to) }
    }

    fn duty(week: Option<&[WorkingHours]>, time_zone: Tz) -> Duty<'_> {
        Duty { week, time_zone, away: false, leave_until: None, leaves: &[] }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn works(week: &[WorkingHours], zone: Tz, now: &str) -> bool {
        duty(Some(week), zone).on_duty(at(now))
    }

    #[test]
    fn an_agent_without_working_hours_is_always_on_duty() {
        let always = duty(None, Tz::UTC);
        assert!(always.on_duty(at("2026-01-04T03:00:00Z")));
        assert_eq!(always.changes_at(at("2026-01-04T03:00:00Z")), None);
    }

    #[test]
    fn an_agent_without_any_window_is_never_on_duty() {
        assert!(!works(&[], Tz::UTC, "2026-01-05T10:00:00Z"));
    }

    #[test]
    fn a_window_includes_its_start_and_not_its_end() {
        let week = [window(Day::Mon, "09:00", "17:00")];
        assert!(!works(&week, Tz::UTC, "2026-01-05T08:59:59Z"));
        assert!(works(&week, Tz::UTC, "2026-01-05T09:00:00Z"));
        assert!(works(&week, Tz::UTC, "2026-01-05T16:59:59Z"));
        assert!(!works(&week, Tz::UTC, "2026-01-05T17:00:00Z"));
        assert!(!works(&week, Tz::UTC, "2026-01-06T10:00:00Z"), "a Tuesday");
    }

    #[test]
    fn nine_on_the_clock_is_another_instant_after_the_change_to_summer_time() {
        let week = [window(Day::Sat, "09:00", "10:00"), window(Day::Sun, "09:00", "10:00")];
        // Vienna changed on Sunday, 29 March 2026, from UTC+1 to UTC+2.
        assert!(works(&week, Tz::Europe__Vienna, "2026-03-28T08:30:00Z"));
        assert!(!works(&week, Tz::Europe__Vienna, "2026-03-28T07:30:00Z"));
        assert!(works(&week, Tz::Europe__Vienna, "2026-03-29T07:30:00Z"));
        assert!(!works(&week, Tz::Europe__Vienna, "2026-03-29T08:30:00Z"));
    }

    #[test]
    fn the_hour_that_comes_twice_counts_twice() {
        let week = [window(Day::Sun, "02:00", "03:00")];
        // On 25 October 2026, 02:30 in Vienna was at 00:30 UTC and again at 01:30 UTC.
        assert!(works(&week, Tz::Europe__Vienna, "2026-10-25T00:30:00Z"));
        assert!(works(&week, Tz::Europe__Vienna, "2026-10-25T01:30:00Z"));
        assert!(!works(&week, Tz::Europe__Vienna, "2026-10-25T02:00:00Z"));
    }

    #[test]
    fn a_window_until_24_lasts_to_the_end_of_the_day_of_the_time_zone() {
        let week = [window(Day::Fri, "22:00", "24:00"), window(Day::Sat, "00:00", "01:00")];
        // New York is five hours behind UTC in January.
        assert!(works(&week, Tz::America__New_York, "2026-01-10T04:59:59Z"));
        assert!(works(&week, Tz::America__New_York, "2026-01-10T05:59:59Z"));
        assert!(!works(&week, Tz::America__New_York, "2026-01-10T06:00:00Z"));
    }

    #[test]
    fn who_is_away_or_on_leave_is_not_on_duty() {
        let now = at("2026-01-05T10:00:00Z");
        let there = duty(None, Tz::UTC);
        assert!(!Duty { away: true, ..there }.on_duty(now));
        let until = |text| Duty { leave_until: Some(at(text)), ..there };
        assert!(!until("2026-01-05T10:00:01Z").on_duty(now));
        assert!(until("2026-01-05T10:00:00Z").on_duty(now), "the leave is over");
        let leaves = [Leave { from: now, until: at("2026-01-06T10:00:00Z") }];
        let leaves = Duty { leaves: &leaves, ..there };
        assert!(!leaves.on_duty(now));
        assert!(
            leaves.on_duty(at("2026-01-05T09:59:59Z"))
                && leaves.on_duty(at("2026-01-06T10:00:00Z"))
        );
    }

    #[test]
    fn an_agent_who_is_there_goes_and_comes_by_their_hours_and_leaves() {
        let week = [
            window(Day::Mon, "09:00", "17:00"),
            window(Day::Fri, "09:00", "24:00"),
            window(Day::Sat, "00:00", "01:00"),
        ];
        let leaves =
            [Leave { from: at("2026-01-05T12:00:00Z"), until: at("2026-01-09T10:00:00Z") }];
        let duty = Duty { leaves: &leaves, ..duty(Some(&week), Tz::UTC) };
        let change = |now: &str| duty.changes_at(at(now)).unwrap();
        assert_eq!(change("2026-01-04T00:00:00Z"), at("2026-01-05T09:00:00Z"), "comes on Monday");
        assert_eq!(change("2026-01-05T09:00:00Z"), at("2026-01-05T12:00:00Z"), "goes on leave");
        assert_eq!(change("2026-01-05T13:00:00Z"), at("2026-01-09T10:00:00Z"), "back on Friday");
        assert_eq!(change("2026-01-09T10:00:00Z"), at("2026-01-10T01:00:00Z"), "over midnight");
        assert_eq!(Duty { away: true, ..duty }.changes_at(at("2026-01-05T09:00:00Z")), None);
    }

    #[test]
    fn on_the_day_the_clocks_change_an_agent_comes_by_the_clock_on_the_wall() {
        let week = [window(Day::Sun, "02:30", "04:00")];
        let vienna = duty(Some(&week), Tz::Europe__Vienna);
        // 02:30 did not exist on 29 March 2026; the clock went on at 03:00, which was 01:00 UTC.
        assert_eq!(vienna.changes_at(at("2026-03-29T00:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        // It came twice on 25 October 2026.
        assert_eq!(vienna.changes_at(at("2026-10-25T00:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
    }

    #[test]
    fn a_leave_ends_after_it_starts() {
        let now = at("2026-01-05T10:00:00Z");
        assert!(check_leaves(&[Leave { from: now, until: now }]).is_err());
        let day = Leave { from: now, until: now + TimeDelta::days(1) };
        assert_eq!(check_leaves(&[day, day]), Ok(()));
        assert!(check_leaves(&[day; LEAVES + 1]).is_err());
    }

    proptest! {
        /// Between now and the next change nothing changes, and at the change it does.
        #[test]
        fn nothing_changes_before_the_next_change(
            windows in prop::collection::vec((0_usize..7, 0_u32..20, 1_u32..5), 0..6),
            leaves in prop::collection::vec((0_i64..300, 1_i64..80), 0..3),
            hour in 0_i64..200, probe in 0.0..1.0_f64,
        ) {
            let week: Vec<_> = windows.iter()
                .map(|(day, from, hours)| WorkingHours {
                    day: Day::ALL[*day], from: ClockTime(from * 60), to: ClockTime((from + hours) * 60) })
                .collect();
            let zero = at("2026-02-02T00:00:00Z");
            let leaves: Vec<_> = leaves.iter()
                .map(|(from, hours)| Leave {
                    from: zero + TimeDelta::hours(*from), until: zero + TimeDelta::hours(from + hours) })
                .collect();
            let duty = Duty { leaves: &leaves, ..duty(Some(&week), Tz::America__New_York) };
            let now = zero + TimeDelta::hours(hour);
            let present = duty.on_duty(now);
            let until = duty.changes_at(now).unwrap_or(now + TimeDelta::days(60));
            let between = now + TimeDelta::seconds(((until - now).num_seconds() as f64 * probe) as i64);
            prop_assert_eq!(duty.on_duty(between.min(until - TimeDelta::seconds(1))), present);
            prop_assert!(duty.changes_at(now).is_none_or(|at| duty.on_duty(at) != present));
        }
    }
}
