//! Which days the page is about.
use chrono::{Datelike as _, Days, Months, NaiveDate};

use crate::kernel::text_enum;

text_enum! {
    /// Days by name; they go on with the calendar.
    Period {
        Today = "today",
        Days7 = "7d",
        Days30 = "30d",
        Days90 = "90d",
        ThisMonth = "this-month",
        LastMonth = "last-month",
        Months12 = "12m",
        /// From one day to another.
        Custom = "custom",
    }
}

/// Days of a period at the most.
pub const DAYS_MAX: i64 = 8 * 365;

/// What the form says about the period, as it was sent.
#[derive(Debug, Default, Clone)]
pub struct Asked {
    pub period: String,
    /// The period that the form had when it was shown.
    pub shown: String,
    pub from: String,
    pub to: String,
}

/// From a day to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub period: Period,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// What is wrong with it, each at its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Period,
    From,
    To,
    /// The end is before the beginning.
    Order,
    TooLong,
}

impl Asked {
    /// What somebody changed counts: without scripts a form cannot empty the days when a period is chosen, nor the other way round.
    pub fn span(&self, today: NaiveDate) -> Result<Span, Wrong> {
        let named = match self.period.as_str() {
            "" => None,
            name => Some(Period::parse(name).ok_or(Wrong::Period)?),
        };
        let has_days = !(self.from.is_empty() && self.to.is_empty());
        let unchanged = self.period.is_empty() || self.period == self.shown;
        match named {
            Some(period) if period != Period::Custom && !(has_days && unchanged) => {
                let (from, to) = period.days(today);
                Ok(Span { period, from, to })
            }
            None if !has_days => {
                let (from, to) = Period::Days30.days(today);
                Ok(Span { period: Period::Days30, from, to })
            }
            _ => self.days(today),
        }
    }

    fn days(&self, today: NaiveDate) -> Result<Span, Wrong> {
        let day = |text: &str, wrong| {
            let day = text.parse::<NaiveDate>().ok();
            day.filter(|day| (2000..2200).contains(&day.year())).ok_or(wrong)
        };
        let from = day(&self.from, Wrong::From)?;
        let to = if self.to.is_empty() { today } else { day(&self.to, Wrong::To)? };
        if to < from {
            return Err(Wrong::Order);
        }
        if (to - from).num_days() >= DAYS_MAX {
            return Err(Wrong::TooLong);
        }
        Ok(Span { period: Period::Custom, from, to })
    }
}

impl Period {
    fn days(self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        let first = today - Days::new(u64::from(today.day0()));
        match self {
            Self::Today | Self::Custom => (today, today),
            Self::Days7 => (today - Days::new(6), today),
            Self::Days30 => (today - Days::new(29), today),
            Self::Days90 => (today - Days::new(89), today),
            Self::ThisMonth => (first, today),
            Self::LastMonth => (first - Months::new(1), first - Days::new(1)),
            Self::Months12 => (first - Months::new(11), today),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn asked(period: &str, shown: &str, from: &str, to: &str) -> Result<Span, Wrong> {
        let [period, shown, from, to] = [period, shown, from, to].map(str::to_owned);
        Asked { period, shown, from, to }.span(day("2028-03-31"))
    }

    #[test]
    fn periods_end_today_and_months_are_those_of_the_calendar() {
        for (period, from, to) in [
            ("", "2028-03-02", "2028-03-31"),
            ("today", "2028-03-31", "2028-03-31"),
            ("7d", "2028-03-25", "2028-03-31"),
            ("this-month", "2028-03-01", "2028-03-31"),
            ("last-month", "2028-02-01", "2028-02-29"),
            ("12m", "2027-04-01", "2028-03-31"),
        ] {
            let span = asked(period, "", "", "").unwrap();
            assert_eq!((span.from, span.to), (day(from), day(to)), "{period}");
        }
    }

    #[test]
    fn what_was_changed_counts() {
        let (from, to) = ("2028-01-10", "2028-01-20");
        let days = |period, shown| asked(period, shown, from, to).unwrap().period;
        assert_eq!(days("", ""), Period::Custom, "a link with days");
        assert_eq!(days("30d", "30d"), Period::Custom, "the days were filled in");
        assert_eq!(days("7d", "custom"), Period::Days7, "another period was chosen");
        assert_eq!(days("custom", "custom"), Period::Custom);
        assert_eq!(asked("7d", "7d", "", "").unwrap().period, Period::Days7);
        let open = asked("custom", "", from, "").unwrap();
        assert_eq!((open.from, open.to), (day(from), day("2028-03-31")));
    }

    #[test]
    fn what_is_no_period_is_refused_at_its_field() {
        for (period, from, to, wrong) in [
            ("decade", "", "", Wrong::Period),
            ("custom", "", "", Wrong::From),
            ("", "31.12.2027", "", Wrong::From),
            ("", "2028-02-30", "", Wrong::From),
            ("", "2028-01-01", "x", Wrong::To),
            ("", "2028-01-02", "2028-01-01", Wrong::Order),
            ("", "2001-01-01", "2028-01-01", Wrong::TooLong),
            ("", "-262144-01-01", "", Wrong::From),
        ] {
            assert_eq!(asked(period, "", from, to), Err(wrong), "{period} {from} {to}");
        }
    }
}
