use chrono::Timelike as _;
use proptest::prelude::*;

use super::*;

fn time(text: &str) -> ClockTime {
    ClockTime::try_from(text.to_owned()).unwrap()
}

fn clock(minutes: u32) -> ClockTime {
    time(&format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

fn on(day: Day, from: &str, to: &str) -> WorkingHours {
    WorkingHours { day, from: time(from), to: time(to) }
}

fn hours(time_zone: Tz, week: Vec<WorkingHours>) -> BusinessHours {
    BusinessHours { time_zone, week, exceptions: BTreeMap::new() }
}

/// Monday to Friday, nine to five, with a pause at noon.
fn office(time_zone: Tz) -> BusinessHours {
    let days = &Day::ALL[..5];
    let day = |day: &Day| [on(*day, "09:00", "12:00"), on(*day, "13:00", "17:00")];
    hours(time_zone, days.iter().flat_map(day).collect())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn eight_business_hours_from_friday_afternoon_end_on_monday_afternoon() {
    let office = office(Tz::UTC);
    let due = office.add(at("2026-01-09T15:00:00Z"), TimeDelta::hours(8)).unwrap();
    assert_eq!(due, at("2026-01-12T16:00:00Z"));
    assert_eq!(office.between(at("2026-01-09T15:00:00Z"), due), TimeDelta::hours(8));
}

#[test]
fn what_begins_outside_of_business_hours_begins_to_count_at_the_next_opening() {
    let office = office(Tz::UTC);
    let due = office.add(at("2026-01-10T03:00:00Z"), TimeDelta::hours(1)).unwrap();
    assert_eq!(due, at("2026-01-12T10:00:00Z"));
    assert_eq!(
        office.between(at("2026-01-10T03:00:00Z"), at("2026-01-12T09:00:00Z")),
        TimeDelta::zero()
    );
}

#[test]
fn time_that_ends_with_a_window_ends_there_and_not_at_the_next_opening() {
    let due = office(Tz::UTC).add(at("2026-01-09T09:00:00Z"), TimeDelta::hours(7)).unwrap();
    assert_eq!(due, at("2026-01-09T17:00:00Z"));
}

#[test]
fn a_holiday_does_not_count_and_a_day_with_windows_of_its_own_counts_by_them() {
    let mut office = office(Tz::Europe__Vienna);
    office.exceptions.insert("2026-01-06".parse().unwrap(), Vec::new());
    let short = vec![Window { from: time("10:00"), to: time("12:00") }];
    office.exceptions.insert("2026-01-10".parse().unwrap(), short);
    let day = |from, until| office.between(at(from), at(until));
    assert_eq!(day("2026-01-05T23:00:00Z", "2026-01-06T23:00:00Z"), TimeDelta::zero());
    assert_eq!(day("2026-01-09T23:00:00Z", "2026-01-10T23:00:00Z"), TimeDelta::hours(2));
}

#[test]
fn nine_to_five_is_as_long_on_the_days_around_a_change_of_the_clocks() {
    let week = vec![on(Day::Sat, "09:00", "17:00"), on(Day::Sun, "09:00", "17:00")];
    let vienna = hours(Tz::Europe__Vienna, week);
    for (from, until) in [
        ("2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"),
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ] {
        assert_eq!(vienna.between(at(from), at(until)), TimeDelta::hours(8), "{from}");
    }
    assert_eq!(
        vienna.add(at("2026-03-28T16:00:00Z"), TimeDelta::hours(1)),
        Some(at("2026-03-29T08:00:00Z"))
    );
}

#[test]
fn the_day_of_a_change_around_the_clock_has_23_or_25_hours() {
    let all: Vec<_> = Day::ALL.iter().map(|day| on(*day, "00:00", "24:00")).collect();
    let vienna = hours(Tz::Europe__Vienna, all);
    let spring = vienna.between(at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z"));
    let autumn = vienna.between(at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"));
    assert_eq!((spring, autumn), (TimeDelta::hours(23), TimeDelta::hours(25)));
}

#[test]
fn a_window_in_the_hour_that_is_left_out_does_not_count_and_in_the_one_that_comes_twice_counts_twice()
 {
    let vienna = hours(Tz::Europe__Vienna, vec![on(Day::Sun, "02:15", "02:45")]);
    let spring = vienna.between(at("2026-03-29T00:00:00Z"), at("2026-03-29T12:00:00Z"));
    let autumn = vienna.between(at("2026-10-25T00:00:00Z"), at("2026-10-25T12:00:00Z"));
    assert_eq!((spring, autumn), (TimeDelta::zero(), TimeDelta::hours(1)));
    assert!(
        vienna.is_open(at("2026-10-25T00:30:00Z")) && vienna.is_open(at("2026-10-25T01:30:00Z"))
    );
    assert!(!vienna.is_open(at("2026-10-25T00:50:00Z")));
}

#[test]
fn the_leap_day_counts_as_any_other() {
    let thursday = hours(Tz::UTC, vec![on(Day::Thu, "09:00", "17:00")]);
    let leap = thursday.between(at("2024-02-28T12:00:00Z"), at("2024-03-01T12:00:00Z"));
    assert_eq!(leap, TimeDelta::hours(8));
}

#[test]
fn a_day_that_a_country_left_out_does_not_count() {
    // Samoa went from Thursday, 29 December 2011, to Saturday.
    let friday = hours(Tz::Pacific__Apia, vec![on(Day::Fri, "09:00", "17:00")]);
    assert_eq!(
        friday.between(at("2011-12-28T00:00:00Z"), at("2012-01-02T00:00:00Z")),
        TimeDelta::zero()
    );
}

#[test]
fn a_calendar_that_never_counts_is_refused() {
    assert!(check_business_week(&[]).is_err());
    assert!(check_business_week(&[on(Day::Mon, "12:00", "12:00")]).is_err());
    assert!(
        check_business_week(&[on(Day::Mon, "08:00", "12:00"), on(Day::Mon, "11:00", "13:00")])
            .is_err()
    );
    assert_eq!(check_business_week(&office(Tz::UTC).week), Ok(()));
    assert_eq!(check_windows(&[]), Ok(()), "a holiday");
    assert!(check_windows(&[Window { from: time("12:00"), to: time("09:00") }]).is_err());
}

#[test]
fn what_lies_beyond_the_horizon_has_no_end() {
    let rare = hours(Tz::UTC, vec![on(Day::Mon, "09:00", "09:01")]);
    assert_eq!(rare.add(at("2026-01-01T00:00:00Z"), TimeDelta::hours(9)), None);
}

/// Zones that change their clocks by an hour, by half an hour, around midnight, by a whole day, or not at all.
const ZONES: [Tz; 8] = [
    Tz::UTC,
    Tz::Europe__Vienna,
    Tz::America__New_York,
    Tz::America__St_Johns,
    Tz::America__Sao_Paulo,
    Tz::Australia__Lord_Howe,
    Tz::Asia__Kathmandu,
    Tz::Pacific__Apia,
];

/// Instants around which many of these zones changed their clocks, a leap day, and the turn of a year.
const MOMENTS: [&str; 12] = [
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-03-08T07:00:00Z",
    "2026-11-01T06:00:00Z",
    "2010-11-07T02:31:00Z",
    "2018-11-04T03:00:00Z",
    "2018-02-18T02:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    "2011-12-30T10:00:00Z",
    "2024-02-29T12:00:00Z",
    "2027-01-01T00:00:00Z",
];

fn windows(cuts: &[u32]) -> Vec<(ClockTime, ClockTime)> {
    let mut cuts = cuts.to_vec();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.chunks_exact(2).map(|pair| (clock(pair[0]), clock(pair[1]))).collect()
}

prop_compose! {
    /// Several windows on each day, holidays, and days with windows of their own.
    fn any_hours()(
        zone in prop::sample::select(ZONES.to_vec()),
        days in prop::collection::vec(prop::collection::vec(0_u32..=1440, 0..7), 7),
        exceptions in prop::collection::vec((prop::sample::select(MOMENTS.to_vec()), -3_i64..4, prop::collection::vec(0_u32..=1440, 0..5)), 0..4),
    ) -> BusinessHours {
        let week = days.iter().zip(Day::ALL).flat_map(|(cuts, day)| {
            windows(cuts).into_iter().map(|(from, to)| WorkingHours { day: *day, from, to })
        });
        let exceptions = exceptions.iter().map(|(moment, days, cuts)| {
            let date = (at(moment) + TimeDelta::days(*days)).date_naive();
            (date, windows(cuts).into_iter().map(|(from, to)| Window { from, to }).collect())
        });
        BusinessHours { time_zone: zone, week: week.collect(), exceptions: exceptions.collect() }
    }
}

fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    (prop::sample::select(MOMENTS.to_vec()), -3 * 86_400_000_000_i64..3 * 86_400_000_000)
        .prop_map(|(moment, micros)| at(moment) + TimeDelta::microseconds(micros))
}

/// What a clock on the wall shows, minute by minute.
fn minutes_by_the_wall_clock(hours: &BusinessHours, from: DateTime<Utc>, minutes: i64) -> i64 {
    let counts = |minute: &i64| {
        let local = (from + TimeDelta::minutes(*minute)).with_timezone(&hours.time_zone);
        let shown = clock(local.hour() * 60 + local.minute());
        let day = Day::ALL[local.weekday().num_days_from_monday() as usize];
        match hours.exceptions.get(&local.date_naive()) {
            Some(windows) => windows.iter().any(|w| w.from <= shown && shown < w.to),
            None => hours.week.iter().any(|w| w.day == day && w.from <= shown && shown < w.to),
        }
    };
    (0..minutes).filter(counts).count().try_into().unwrap()
}

proptest! {
    #[test]
    fn business_time_is_what_a_clock_on_the_wall_counts(
        hours in any_hours(), from in any_instant(), minutes in 0_i64..4_000,
    ) {
        let from = from.with_second(0).unwrap().with_nanosecond(0).unwrap();
        let counted = hours.between(from, from + TimeDelta::minutes(minutes));
        prop_assert_eq!(counted, TimeDelta::minutes(minutes_by_the_wall_clock(&hours, from, minutes)));
    }

    #[test]
    fn adding_is_the_inverse_of_measuring(
        hours in any_hours(), from in any_instant(), micros in 0_i64..200 * 3_600_000_000,
    ) {
        let time = TimeDelta::microseconds(micros);
        if let Some(until) = hours.add(from, time) {
            prop_assert_eq!(hours.between(from, until), time);
            // The earliest such instant: just before it, less has passed.
            let before = until - TimeDelta::microseconds(1);
            prop_assert!(micros == 0 || hours.between(from, before) < time);
        }
    }

    #[test]
    fn measuring_and_adding_lead_back_to_the_last_instant_that_counted(
        hours in any_hours(), from in any_instant(), span in -86_400_000_000_i64..800_000_000_000,
    ) {
        let until = from + TimeDelta::microseconds(span);
        let passed = hours.between(from, until);
        let back = hours.add(from, passed).unwrap();
        prop_assert!(back <= until || until < from);
        prop_assert_eq!(hours.between(back, until), TimeDelta::zero());
    }

    #[test]
    fn more_time_ends_later_and_what_starts_later_ends_later(
        hours in any_hours(), from in any_instant(), later in 0_i64..500_000_000_000,
        time in 0_i64..200_000_000_000, more in 0_i64..200_000_000_000,
    ) {
        let (time, more) = (TimeDelta::microseconds(time), TimeDelta::microseconds(more));
        let later = from + TimeDelta::microseconds(later);
        if let (Some(first), Some(second)) = (hours.add(from, time), hours.add(from, time + more)) {
            prop_assert!(first <= second);
        }
        if let (Some(first), Some(second)) = (hours.add(from, time), hours.add(later, time)) {
            prop_assert!(first <= second);
        }
    }

    #[test]
    fn the_time_of_two_spans_that_touch_is_the_time_of_both(
        hours in any_hours(), a in any_instant(),
        first in 0_i64..500_000_000_000, second in 0_i64..500_000_000_000,
    ) {
        let b = a + TimeDelta::microseconds(first);
        let cuts = [a, b, b + TimeDelta::microseconds(second)];
        let parts = hours.between(cuts[0], cuts[1]) + hours.between(cuts[1], cuts[2]);
        prop_assert_eq!(parts, hours.between(cuts[0], cuts[2]));
        prop_assert_eq!(hours.is_open(a), hours.between(a, a + TimeDelta::microseconds(1)) > TimeDelta::zero());
    }
}
