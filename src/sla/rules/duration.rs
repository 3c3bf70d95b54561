//! Lengths of time as ISO 8601 writes them.
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A year: no target is longer.
const LONGEST: i64 = 366 * 86_400;

/// A length of time in whole seconds, written as in ISO 8601: `PT8H`, `PT1H30M`. A day is ambiguous, eight hours of business or
/// twenty-four on the clock, so hours are the greatest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "PT8H", pattern = "^PT([0-9]+H)?([0-9]+M)?([0-9]+S)?$")]
pub struct Length(i64);

impl Length {
    pub fn time(self) -> TimeDelta {
        TimeDelta::seconds(self.0)
    }
}

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.strip_prefix('P').is_some_and(|rest| rest.split('T').next() != Some("")) {
            return Err(format!("{text:?} counts in days, which is ambiguous: say hours, as PT8H"));
        }
        let seconds = text.strip_prefix("PT").and_then(seconds);
        let length = seconds.filter(|seconds| (1..=LONGEST).contains(seconds)).map(Self);
        length.ok_or_else(|| {
            format!("{text:?} is not a length of time such as PT8H, of a year at the most")
        })
    }
}

/// Hours, minutes and seconds, in this order, each once at the most.
fn seconds(mut text: &str) -> Option<i64> {
    let mut total = None;
    for (unit, worth) in [('H', 3_600), ('M', 60), ('S', 1)] {
        let Some((number, rest)) = text.split_once(unit) else { continue };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let more = number.parse::<i64>().ok()?.checked_mul(worth)?;
        total = Some(total.unwrap_or(0_i64).checked_add(more)?);
        text = rest;
    }
    total.filter(|_| text.is_empty())
}

impl From<Length> for String {
    fn from(Length(seconds): Length) -> Self {
        let parts = [(seconds / 3_600, 'H'), (seconds / 60 % 60, 'M'), (seconds % 60, 'S')];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        parts.fold("PT".into(), |text, (number, unit)| format!("{text}{number}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<i64, String> {
        Length::try_from(text.to_owned()).map(|length| length.time().num_seconds())
    }

    #[test]
    fn hours_minutes_and_seconds_are_read_and_days_are_not() {
        assert_eq!(read("PT8H"), Ok(28_800));
        assert_eq!(read("PT1H30M15S"), Ok(5_415));
        assert_eq!(read("PT90M"), Ok(5_400));
        assert!(read("P1D").unwrap_err().contains("ambiguous"));
        assert!(read("P1DT2H").is_err());
        for text in [
            "", "P", "PT", "8H", "PT0S", "PTH", "PT1M1H", "PT-1H", "PT+1H", "PT1.5H", "PT9999H",
            "PT1H1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("PT99999999999999999999H").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 1..=LONGEST) {
            prop_assert_eq!(read(&String::from(Length(seconds))), Ok(seconds));
        }
    }
}
