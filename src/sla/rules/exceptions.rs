//! The days of a calendar that are not like others.
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calendar::{Window, check_windows};
use crate::kernel::text_enum;

/// Days that a calendar excepts at the most.
pub const EXCEPTIONS_MAX: usize = 500;

text_enum! {
    /// Where an exception came from.
    ExceptionSource {
        Manual = "manual",
        ICalendar = "icalendar",
    }
}

/// A day with windows of its own; a holiday has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exception {
    /// By the calendar's own clock.
    #[schema(value_type = String, format = Date, example = "2026-12-24")]
    pub date: NaiveDate,
    #[schema(example = "Christmas Eve")]
    pub name: String,
    /// When business time passes on that day; empty on a holiday.
    pub windows: Vec<Window>,
    pub source: ExceptionSource,
}

/// The exceptions of a calendar, in the order of their dates, one for each date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Exceptions(Vec<Exception>);

impl Exceptions {
    pub fn iter(&self) -> impl Iterator<Item = &Exception> {
        self.0.iter()
    }

    /// Sets the exception of its date. Says what is wrong with it.
    pub fn set(&mut self, exception: Exception) -> Result<(), String> {
        check_windows(&exception.windows)?;
        self.remove(exception.date);
        let place = self.0.partition_point(|other| other.date < exception.date);
        self.0.insert(place, exception);
        self.check_number()
    }

    /// False when that day was like any other.
    pub fn remove(&mut self, date: NaiveDate) -> bool {
        let before = self.0.len();
        self.0.retain(|exception| exception.date != date);
        self.0.len() < before
    }

    /// What was imported before gives way to these holidays; what was set by hand stays.
    pub fn import(&mut self, holidays: Vec<(NaiveDate, String)>) -> Result<(), String> {
        self.0.retain(|exception| exception.source == ExceptionSource::Manual);
        for (date, name) in holidays {
            if self.0.iter().all(|exception| exception.date != date) {
                let source = ExceptionSource::ICalendar;
                self.0.push(Exception { date, name, windows: Vec::new(), source });
            }
        }
        self.0.sort_by_key(|exception| exception.date);
        self.check_number()
    }

    fn check_number(&self) -> Result<(), String> {
        match self.0.len() {
            0..=EXCEPTIONS_MAX => Ok(()),
            more => Err(format!("{more} exceptions; a calendar has {EXCEPTIONS_MAX} at the most")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn by_hand(on: &str) -> Exception {
        Exception {
            date: date(on),
            name: "By hand".into(),
            windows: Vec::new(),
            source: ExceptionSource::Manual,
        }
    }

    fn dates(exceptions: &Exceptions) -> Vec<String> {
        exceptions.iter().map(|one| format!("{} {}", one.date, one.name)).collect()
    }

    #[test]
    fn an_import_replaces_what_was_imported_before_and_nothing_that_was_set_by_hand() {
        let mut exceptions = Exceptions::default();
        exceptions.set(by_hand("2026-12-24")).unwrap();
        let first = vec![(date("2026-12-25"), "A".into()), (date("2026-12-24"), "A".into())];
        exceptions.import(first).unwrap();
        assert_eq!(dates(&exceptions), ["2026-12-24 By hand", "2026-12-25 A"]);
        exceptions.import(vec![(date("2026-01-01"), "B".into())]).unwrap();
        assert_eq!(dates(&exceptions), ["2026-01-01 B", "2026-12-24 By hand"]);
    }

    #[test]
    fn a_date_has_one_exception_and_a_calendar_a_limited_number() {
        let mut exceptions = Exceptions::default();
        exceptions.set(by_hand("2026-12-24")).unwrap();
        exceptions.set(by_hand("2026-12-24")).unwrap();
        assert_eq!(exceptions.iter().count(), 1);
        assert!(exceptions.remove(date("2026-12-24")) && !exceptions.remove(date("2026-12-24")));
        let many = date("2026-01-01").iter_days().take(EXCEPTIONS_MAX + 1);
        assert!(exceptions.import(many.map(|day| (day, String::new())).collect()).is_err());
    }
}
