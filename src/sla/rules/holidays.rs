//! Holidays from an iCalendar file (RFC 5545).
use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate, Weekday};
use icalendar::{Calendar, Component, DatePerhapsTime, Event, EventStatus};

use super::exceptions::EXCEPTIONS_MAX;

/// Years that what comes again every year is written out for, from the present one on.
const YEARS: i32 = 10;
/// Days that one event lasts at the most.
const LONGEST: usize = 31;

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays {
    /// By their dates.
    pub days: Vec<(NaiveDate, String)>,
    /// Events that are not about whole days, or were cancelled.
    pub skipped: usize,
}

/// Reads the whole days of a file's events, each with its summary. What comes again every year is written out for ten years: on the
/// same date, or on the same weekday of a month as `BYMONTH=11;BYDAY=4TH` has it. What comes again otherwise is refused, as is what is
/// no iCalendar file. Says why.
pub fn holidays(text: &str, this_year: i32) -> Result<Holidays, String> {
    if !text.trim_start().to_ascii_uppercase().starts_with("BEGIN:VCALENDAR") {
        return Err("this is not an iCalendar file".into());
    }
    let calendar: Calendar = text.parse()?;
    let mut days = BTreeMap::new();
    let mut skipped = 0;
    for event in calendar.events() {
        let Some((first, length)) = whole_days(event)? else {
            skipped += 1;
            continue;
        };
        let name = event.get_summary().filter(|name| !name.is_empty()).unwrap_or("Holiday");
        let name: String = name.chars().take(200).collect();
        for start in starts(event, first, this_year)? {
            days.extend(start.iter_days().take(length).map(|day| (day, name.clone())));
        }
        if days.len() > EXCEPTIONS_MAX {
            return Err(format!("more than {EXCEPTIONS_MAX} days"));
        }
    }
    Ok(Holidays { days: days.into_iter().collect(), skipped })
}

/// The first day, and how many; `None` for what is not about whole days or was cancelled.
fn whole_days(event: &Event) -> Result<Option<(NaiveDate, usize)>, String> {
    let Some(DatePerhapsTime::Date(first)) = event.get_start() else { return Ok(None) };
    if event.get_status() == Some(EventStatus::Cancelled) {
        return Ok(None);
    }
    let length = match (event.get_end(), event.property_value("DURATION")) {
        // The end is not included.
        (Some(DatePerhapsTime::Date(end)), _) => (end - first).num_days().max(1),
        (None, Some(text)) => duration(text).ok_or_else(|| {
            format!("the event of {first} lasts {text:?}, which is no whole days")
        })?,
        _ => 1,
    };
    match usize::try_from(length) {
        Ok(length) if length <= LONGEST => Ok(Some((first, length))),
        _ => Err(format!("the event of {first} lasts more than {LONGEST} days")),
    }
}

/// The days of `P3D` or `P1W`.
fn duration(text: &str) -> Option<i64> {
    let length = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let of = |unit: char| length.strip_suffix(unit)?.parse::<u8>().ok().map(i64::from);
    of('D').or_else(|| of('W').map(|weeks| weeks * 7)).filter(|days| *days > 0)
}

/// When it begins: on its days, and every year by one of the simple rules.
fn starts(event: &Event, first: NaiveDate, this_year: i32) -> Result<BTreeSet<NaiveDate>, String> {
    for name in ["EXRULE", "RECURRENCE-ID"] {
        if event.property_value(name).is_some() {
            return Err(format!("the event of {first} has {name}, which is not read"));
        }
    }
    let mut days: BTreeSet<NaiveDate> = dates(event, "RDATE")?.into_iter().collect();
    match event.property_value("RRULE") {
        None => _ = days.insert(first),
        Some(text) => {
            let rule = Rule::parse(text, first).ok_or_else(|| {
                format!("the event of {first} comes again by the rule {text:?}; only the same date, or the same weekday of a month, of every year is read")
            })?;
            days.extend(rule.days(first, this_year));
        }
    }
    for day in dates(event, "EXDATE")? {
        days.remove(&day);
    }
    Ok(days)
}

/// The whole days that a property lists.
fn dates(event: &Event, name: &str) -> Result<Vec<NaiveDate>, String> {
    let several = event.multi_properties().get(name).into_iter().flatten();
    let all = several.chain(event.properties().get(name));
    let texts = all.flat_map(|property| property.value().split(','));
    let date = |text: &str| {
        NaiveDate::parse_from_str(text.trim(), "%Y%m%d")
            .map_err(|_| format!("{name} has {text:?}, which is no whole day"))
    };
    texts.map(date).collect()
}

/// How a day comes again every year.
struct Rule {
    /// The weekday, and which of them in the month of the first day, from the end when negative; `None`: on the same date.
    weekday: Option<(Weekday, i8)>,
    count: usize,
    until: NaiveDate,
}

impl Rule {
    /// `None` for one that is not read.
    fn parse(text: &str, first: NaiveDate) -> Option<Self> {
        let mut rule = Self { weekday: None, count: usize::MAX, until: NaiveDate::MAX };
        let (mut yearly, mut of_month) = (false, false);
        for part in text.split(';') {
            let (name, value) = part.split_once('=')?;
            let is = |number: u32| value.parse() == Ok(number);
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => yearly = value.eq_ignore_ascii_case("YEARLY"),
                "BYMONTH" if is(first.month()) => of_month = true,
                "INTERVAL" if is(1) => {}
                "BYMONTHDAY" if is(first.day()) => {}
                "WKST" => {}
                "BYDAY" => rule.weekday = Some(weekday(value)?),
                "COUNT" => rule.count = value.parse().ok()?,
                "UNTIL" => {
                    rule.until = NaiveDate::parse_from_str(value.get(..8)?, "%Y%m%d").ok()?
                }
                _ => return None,
            }
        }
        // Without a month a weekday is one of the whole year.
        let read = yearly && (of_month || rule.weekday.is_none());
        (read && rule.day(first, first.year()) == Some(first)).then_some(rule)
    }

    fn day(&self, first: NaiveDate, year: i32) -> Option<NaiveDate> {
        let Some((weekday, nth)) = self.weekday else { return first.with_year(year) };
        let from_start =
            |nth| NaiveDate::from_weekday_of_month_opt(year, first.month(), weekday, nth);
        match u8::try_from(nth) {
            Ok(nth) => from_start(nth),
            Err(_) => {
                let all: Vec<NaiveDate> = (1..=5).filter_map(from_start).collect();
                all.len().checked_sub(nth.unsigned_abs().into()).map(|place| all[place])
            }
        }
    }

    /// The days from this year on. A leap day comes again in leap years, and each that comes counts.
    fn days(&self, first: NaiveDate, this_year: i32) -> impl Iterator<Item = NaiveDate> {
        let again = (first.year()..this_year + YEARS).filter_map(move |year| self.day(first, year));
        let again = again.take(self.count).take_while(|day| *day <= self.until);
        again.filter(move |day| day.year() >= this_year)
    }
}

/// The weekday of `4TH` or `-1MO`, and which of them.
fn weekday(text: &str) -> Option<(Weekday, i8)> {
    const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let (nth, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let place = NAMES.iter().position(|one| one.eq_ignore_ascii_case(name))?;
    let nth: i8 = nth.parse().ok().filter(|nth| (-5..=5).contains(nth) && *nth != 0)?;
    Some((Weekday::try_from(u8::try_from(place).ok()?).ok()?, nth))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(events: &[&str]) -> String {
        let events =
            events.iter().map(|event| format!("BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n"));
        let head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n";
        format!("{head}{}END:VCALENDAR\r\n", events.collect::<String>())
    }

    fn read(events: &[&str]) -> Vec<String> {
        let found = holidays(&file(events), 2026).unwrap();
        found.days.iter().map(|(date, name)| format!("{date} {name}")).collect()
    }

    #[test]
    fn whole_days_are_read_with_their_names_and_an_end_is_not_included() {
        let christmas =
            "DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Christmas";
        assert_eq!(read(&[christmas]), ["2026-12-25 Christmas", "2026-12-26 Christmas"]);
        assert_eq!(
            read(&["DTSTART;VALUE=DATE:20260106\r\nSUMMARY:Epi\r\n phany"]),
            ["2026-01-06 Epiphany"]
        );
        assert_eq!(read(&["DTSTART;VALUE=DATE:20260106"]), ["2026-01-06 Holiday"]);
    }

    #[test]
    fn what_is_not_about_whole_days_or_was_cancelled_is_skipped() {
        let meeting = "DTSTART:20261225T090000Z\r\nSUMMARY:Meeting";
        let cancelled = "DTSTART;VALUE=DATE:20260501\r\nSTATUS:CANCELLED";
        let found = holidays(&file(&[meeting, cancelled]), 2026).unwrap();
        assert_eq!(found, Holidays { days: Vec::new(), skipped: 2 });
    }

    #[test]
    fn what_comes_again_every_year_is_written_out_for_ten_years() {
        let yearly =
            |rest: &str| format!("DTSTART;VALUE=DATE:20200101\r\nSUMMARY:New Year\r\n{rest}");
        let days = read(&[&yearly("RRULE:FREQ=YEARLY")]);
        assert_eq!(
            (days.len(), &*days[0], &*days[9]),
            (10, "2026-01-01 New Year", "2035-01-01 New Year")
        );
        assert_eq!(read(&[&yearly("RRULE:FREQ=YEARLY;COUNT=8")]).len(), 2, "2020 to 2027");
        assert_eq!(read(&[&yearly("RRULE:FREQ=YEARLY;UNTIL=20280101")]).len(), 3);
        assert_eq!(read(&[&yearly("RRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20270101")]).len(), 9);
        let leap = "DTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY";
        assert_eq!(read(&[leap]), ["2028-02-29 Holiday", "2032-02-29 Holiday"]);
    }

    #[test]
    fn the_same_weekday_of_a_month_comes_again_from_its_start_or_from_its_end() {
        let thanksgiving =
            "DTSTART;VALUE=DATE:20241128\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=4";
        assert_eq!(read(&[thanksgiving]), ["2026-11-26 Holiday", "2027-11-25 Holiday"]);
        let memorial =
            "DTSTART;VALUE=DATE:20260525\r\nRRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5;UNTIL=20280101";
        assert_eq!(read(&[memorial]), ["2026-05-25 Holiday", "2027-05-31 Holiday"]);
    }

    #[test]
    fn days_are_listed_by_themselves_and_last_as_long_as_is_said() {
        let listed = "DTSTART;VALUE=DATE:20260106\r\nRDATE;VALUE=DATE:20270106,20280106\r\nEXDATE;VALUE=DATE:20270106";
        assert_eq!(read(&[listed]), ["2026-01-06 Holiday", "2028-01-06 Holiday"]);
        assert_eq!(read(&["DTSTART;VALUE=DATE:20260106\r\nDURATION:P3D"]).len(), 3);
        assert_eq!(read(&["DTSTART;VALUE=DATE:20260106\r\nDURATION:P1W"]).len(), 7);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason() {
        let monthly = "DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=MONTHLY";
        assert!(holidays(&file(&[monthly]), 2026).unwrap_err().contains("FREQ=MONTHLY"));
        for (start, rest) in [
            ("20260405", "RRULE:FREQ=YEARLY;BYDAY=SU;BYMONTH=4"),
            ("20260405", "RRULE:FREQ=YEARLY;BYDAY=1SU"),
            ("20260405", "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=4"),
            ("20260405", "RRULE:FREQ=YEARLY;INTERVAL=2"),
            ("20260405", "RRULE:FREQ=YEARLY;BYEASTER=0"),
            ("20260405", "RRULE:FREQ=YEARLY;BYMONTH=4,5"),
            ("20260405", "EXRULE:FREQ=YEARLY"),
            ("20260405", "RECURRENCE-ID;VALUE=DATE:20260405"),
            ("20260405", "RDATE:20260406T090000Z"),
            ("20260405", "DURATION:PT8H"),
        ] {
            let event = format!("DTSTART;VALUE=DATE:{start}\r\n{rest}");
            assert!(holidays(&file(&[&event]), 2026).is_err(), "{rest}");
        }
        let endless = "DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20270101";
        assert!(holidays(&file(&[endless]), 2026).is_err());
        for text in ["", "<html></html>", "BEGIN:VEVENT"] {
            assert!(holidays(text, 2026).is_err(), "{text}");
        }
    }
}
