//! Holidays from an iCalendar file (RFC 5545).
use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};
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

/// Reads the whole days of a file's events, each with its summary. What comes again every year is written out for ten years;
/// what comes again otherwise is refused, as is what is no iCalendar file. Says why.
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
    let length = match event.get_end() {
        // The end is not included.
        Some(DatePerhapsTime::Date(end)) => (end - first).num_days().max(1),
        Some(DatePerhapsTime::DateTime(_)) | None => 1,
    };
    match usize::try_from(length) {
        Ok(length) if length <= LONGEST => Ok(Some((first, length))),
        _ => Err(format!("the event of {first} lasts more than {LONGEST} days")),
    }
}

/// When it begins: once, or every year by the simplest of rules.
fn starts(event: &Event, first: NaiveDate, this_year: i32) -> Result<Vec<NaiveDate>, String> {
    let Some(rule) = event.property_value("RRULE") else { return Ok(vec![first]) };
    let refused = || {
        format!("the event of {first} comes again by the rule {rule:?}; only FREQ=YEARLY is read")
    };
    let (mut until, mut count, mut yearly) = (None, usize::MAX, false);
    for part in rule.split(';') {
        let (name, value) = part.split_once('=').ok_or_else(refused)?;
        let number = || value.parse::<u32>().ok();
        match name.to_ascii_uppercase().as_str() {
            "FREQ" => yearly = value.eq_ignore_ascii_case("YEARLY"),
            "INTERVAL" if number() == Some(1) => {}
            "BYMONTH" if number() == Some(first.month()) => {}
            "BYMONTHDAY" if number() == Some(first.day()) => {}
            "WKST" => {}
            "COUNT" => count = value.parse().map_err(|_| refused())?,
            "UNTIL" => {
                let day = value.get(..8).unwrap_or_default();
                until = Some(NaiveDate::parse_from_str(day, "%Y%m%d").map_err(|_| refused())?);
            }
            _ => return Err(refused()),
        }
    }
    if !yearly {
        return Err(refused());
    }
    // A leap day comes again in leap years, and each that comes counts.
    let again = (first.year()..this_year + YEARS).filter_map(|year| first.with_year(year));
    let again = again.take(count).take_while(|day| until.is_none_or(|until| *day <= until));
    Ok(again.filter(|day| day.year() >= this_year && !is_excepted(event, *day)).collect())
}

/// `EXDATE` takes it out.
fn is_excepted(event: &Event, day: NaiveDate) -> bool {
    let texts = event.multi_properties().get("EXDATE").into_iter().flatten();
    let single = event.properties().get("EXDATE");
    let day = day.format("%Y%m%d").to_string();
    texts
        .chain(single)
        .flat_map(|property| property.value().split(','))
        .any(|text| text.starts_with(&day))
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
    fn what_cannot_be_read_is_refused_with_the_reason() {
        let monthly = "DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=MONTHLY";
        assert!(holidays(&file(&[monthly]), 2026).unwrap_err().contains("FREQ=MONTHLY"));
        let easter = "DTSTART;VALUE=DATE:20260405\r\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4";
        assert!(holidays(&file(&[easter]), 2026).is_err());
        let endless = "DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20270101";
        assert!(holidays(&file(&[endless]), 2026).is_err());
        for text in ["", "<html></html>", "BEGIN:VEVENT"] {
            assert!(holidays(text, 2026).is_err(), "{text}");
        }
    }
}
