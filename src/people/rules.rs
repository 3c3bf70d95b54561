//! Working hours, and who may grant what. Pure.
use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::{Role, text_enum};

text_enum! {
    /// A day of the week.
    Day {
        Mon = "mon",
        Tue = "tue",
        Wed = "wed",
        Thu = "thu",
        Fri = "fri",
        Sat = "sat",
        Sun = "sun",
    }
}

text_enum! {
    /// What an agent does at the desk.
    AgentRole {
        Agent = "agent",
        Coordinator = "coordinator",
        Admin = "admin",
    }
}

impl AgentRole {
    pub fn role(self) -> Role {
        match self {
            Self::Agent => Role::Agent,
            Self::Coordinator => Role::Coordinator,
            Self::Admin => Role::Admin,
        }
    }
}

/// A time on a clock in minutes since midnight, written `HH:MM`; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "09:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
pub struct ClockTime(u32);

impl TryFrom<String> for ClockTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = |part: &str| match part.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9'] => part.parse::<u32>().ok(),
            _ => None,
        };
        let parts = text.split_once(':').and_then(|(h, m)| number(h).zip(number(m)));
        let minutes = parts.filter(|(_, m)| *m < 60).map(|(h, m)| h * 60 + m);
        let time = minutes.filter(|minutes| *minutes <= 24 * 60).map(Self);
        time.ok_or_else(|| format!("{text:?} is not a time such as 09:00"))
    }
}

impl From<ClockTime> for String {
    fn from(ClockTime(minutes): ClockTime) -> Self {
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// A window of working time on a day of the week, by the clock of the agent's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"day": "mon", "from": "09:00", "to": "17:00"}))]
pub struct WorkingHours {
    #[schema(example = "mon")]
    pub day: Day,
    #[schema(example = "09:00")]
    pub from: ClockTime,
    /// Not included.
    #[schema(example = "17:00")]
    pub to: ClockTime,
}

/// Tells what is wrong with a week: a window that ends before it starts, or two that overlap.
pub fn check_week(week: &[WorkingHours]) -> Result<(), String> {
    let mut by_day: HashMap<Day, Vec<WorkingHours>> = HashMap::new();
    for window in week {
        if window.from >= window.to {
            return Err(format!("a window on {} does not end after it starts", window.day));
        }
        by_day.entry(window.day).or_default().push(*window);
    }
    for (day, mut windows) in by_day {
        windows.sort_by_key(|window| window.from);
        if windows.windows(2).any(|pair| pair[1].from < pair[0].to) {
            return Err(format!("two windows on {day} overlap"));
        }
    }
    Ok(())
}

/// True when an agent is there now: not away, not on leave, and inside a window of their working hours by the clock of
/// their time zone. Without working hours, always. Summer time needs no rule of its own: the clock on the wall decides.
pub fn on_duty(
    working_hours: Option<&[WorkingHours]>,
    time_zone: Tz,
    away: bool,
    leave_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    if away || leave_until.is_some_and(|until| now < until) {
        return false;
    }
    let Some(week) = working_hours else { return true };
    let local = now.with_timezone(&time_zone);
    let today = Day::ALL[local.weekday().num_days_from_monday() as usize];
    let time = ClockTime(local.hour() * 60 + local.minute());
    week.iter().any(|window| window.day == today && window.from <= time && time < window.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(day: Day, from: &str, to: &str) -> WorkingHours {
        let time = |text: &str| ClockTime::try_from(text.to_owned()).unwrap();
        WorkingHours { day, from: time(from), to: time(to) }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn works(week: &[WorkingHours], zone: Tz, now: &str) -> bool {
        on_duty(Some(week), zone, false, None, at(now))
    }

    #[test]
    fn an_agent_without_working_hours_is_always_on_duty() {
        assert!(on_duty(None, Tz::UTC, false, None, at("2026-01-04T03:00:00Z")));
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
        assert!(!on_duty(None, Tz::UTC, true, None, now));
        assert!(!on_duty(None, Tz::UTC, false, Some(at("2026-01-05T10:00:01Z")), now));
        assert!(on_duty(None, Tz::UTC, false, Some(now), now), "the leave is over");
    }

    #[test]
    fn windows_may_touch_but_not_overlap_nor_end_before_they_start() {
        let (morning, noon) =
            (window(Day::Mon, "08:00", "12:00"), window(Day::Mon, "12:00", "13:00"));
        assert_eq!(check_week(&[noon, morning]), Ok(()));
        assert!(check_week(&[morning, window(Day::Mon, "11:59", "13:00")]).is_err());
        assert_eq!(check_week(&[morning, window(Day::Tue, "08:00", "12:00")]), Ok(()));
        assert!(check_week(&[window(Day::Mon, "12:00", "12:00")]).is_err());
    }

    #[test]
    fn only_times_of_a_clock_are_read() {
        for text in ["9:00", "09:60", "24:01", "0900", "+9:00", ""] {
            assert!(ClockTime::try_from(text.to_owned()).is_err(), "{text}");
        }
        for text in ["00:00", "09:05", "24:00"] {
            assert_eq!(String::from(ClockTime::try_from(text.to_owned()).unwrap()), text);
        }
    }
}
