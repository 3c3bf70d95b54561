//! What an agent's week consists of. Pure.
mod duty;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::duty::{Duty, Leave, check_leaves};
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

impl ClockTime {
    /// In the morning.
    pub const EIGHT: Self = Self(8 * 60);

    /// Minutes since midnight by the clock, up to 1440.
    pub fn minutes(self) -> u32 {
        self.0
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn window(day: Day, from: &str, to: &str) -> WorkingHours {
        let time = |text: &str| ClockTime::try_from(text.to_owned()).unwrap();
        WorkingHours { day, from: time(from), to: time(to) }
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
