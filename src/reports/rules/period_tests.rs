//! Edges of buckets, against a clock that is looked at every few minutes.
use proptest::prelude::*;

use super::*;

const ZONES: [Tz; 8] = [
    Tz::UTC,
    Tz::Europe__Vienna,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::Asia__Kathmandu,
    // Their clocks are put forward at midnight.
    Tz::America__Santiago,
    Tz::Africa__Cairo,
    Tz::Pacific__Chatham,
];

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn period(from: &str, to: &str, zone: Tz, bucket: BucketSize) -> Result<Period, AppError> {
    let asked = Asked { from: Some(from.into()), to: Some(to.into()), bucket: Some(bucket) };
    Period::new(&asked, TimeZone(zone), BUCKETS_MAX, utc("2026-11-22T12:00:00Z"))
}

/// What the calendar on the wall and the clock beside it show of a bucket: two instants in one bucket show the same.
fn shown(at: DateTime<Utc>, zone: Tz, bucket: BucketSize) -> String {
    let local = at.with_timezone(&zone);
    local
        .format(match bucket {
            BucketSize::Hour => "%F %H %z",
            BucketSize::Day => "%F",
            BucketSize::Week => "%G %V",
            BucketSize::Month => "%Y %m",
        })
        .to_string()
}

proptest! {
    #[test]
    fn a_bucket_ends_where_the_clock_or_the_calendar_shows_another(
        zone in prop::sample::select(&ZONES[..]),
        bucket in prop::sample::select(BucketSize::ALL),
        start in 1_420_070_400_i64..1_830_000_000,
        minutes in 1_i64..30_000,
    ) {
        let from = DateTime::from_timestamp(start, 0).unwrap();
        let to = from + TimeDelta::minutes(minutes);
        let found = period(&from.to_rfc3339(), &to.to_rfc3339(), zone, bucket).unwrap();
        prop_assert_eq!((found.from(), found.to()), (from, to));
        for (start, end) in found.buckets() {
            prop_assert!(start < end);
            // Every quarter of an hour, and the last second.
            let inside = (0..).map(|n| start + TimeDelta::minutes(15 * n)).take_while(|at| *at < end);
            for at in inside.chain([end - TimeDelta::seconds(1)]) {
                prop_assert_eq!(shown(at, zone, bucket), shown(start, zone, bucket), "{} in {}", at, zone);
            }
            if end < to {
                prop_assert_ne!(shown(end, zone, bucket), shown(start, zone, bucket), "{} in {}", end, zone);
            }
        }
    }
}

#[test]
fn a_day_has_23_or_25_hours_where_clocks_are_changed() {
    for (from, to, hours) in [
        ("2026-03-29", "2026-03-30", 23),
        ("2026-10-25", "2026-10-26", 25),
        ("2026-11-22", "2026-11-23", 24),
    ] {
        let day = period(from, to, Tz::Europe__Vienna, BucketSize::Day).unwrap();
        assert_eq!(day.buckets().count(), 1);
        assert_eq!((day.to() - day.from()).num_hours(), hours, "{from}");
        let cut = period(from, to, Tz::Europe__Vienna, BucketSize::Hour).unwrap();
        assert_eq!(cut.buckets().count() as i64, hours, "{from}");
    }
}

#[test]
fn a_date_without_a_midnight_begins_when_the_clocks_were_put_forward() {
    let day = period("2026-09-06", "2026-09-07", Tz::America__Santiago, BucketSize::Day).unwrap();
    assert_eq!(day.from(), utc("2026-09-06T04:00:00Z"));
    assert_eq!((day.to() - day.from()).num_hours(), 23);
    // Samoa had no 30 December 2011.
    let days = period("2011-12-29", "2012-01-01", Tz::Pacific__Apia, BucketSize::Day).unwrap();
    let lengths: Vec<_> = days.buckets().map(|(start, end)| (end - start).num_hours()).collect();
    assert_eq!(lengths, [24, 24]);
}

#[test]
fn an_hour_ends_early_where_the_clock_is_changed_within_it() {
    let (from, to) = ("2017-09-23T13:15:00Z", "2017-09-23T15:15:00Z");
    let cut = period(from, to, Tz::Pacific__Chatham, BucketSize::Hour).unwrap();
    let starts = ["2017-09-23T13:15:00Z", "2017-09-23T14:00:00Z", "2017-09-23T14:15:00Z"];
    assert_eq!(cut.starts(), starts.map(utc));
}

#[test]
fn a_period_is_cut_at_its_ends_and_holds_its_beginning_and_not_its_end() {
    let cut = period("2026-11-04T12:00:00Z", "2026-11-10", Tz::UTC, BucketSize::Week).unwrap();
    let buckets: Vec<_> = cut.buckets().collect();
    let monday = utc("2026-11-09T00:00:00Z");
    assert_eq!(buckets[0], (utc("2026-11-04T12:00:00Z"), monday));
    assert_eq!(buckets[1], (monday, utc("2026-11-10T00:00:00Z")));
    assert_eq!(cut.starts(), [buckets[0].0, monday]);
}

#[test]
fn without_a_word_it_is_the_last_thirty_days_with_today() {
    let now = utc("2026-11-22T23:30:00Z");
    let usual = Period::new(&Asked::default(), TimeZone(Tz::Europe__Vienna), 100, now).unwrap();
    assert_eq!(usual.to(), utc("2026-11-23T23:00:00Z"));
    assert_eq!((usual.buckets().count(), usual.bucket), (30, BucketSize::Day));
}

#[test]
fn what_is_no_period_or_has_too_many_buckets_is_refused() {
    let code = |from, to, bucket| match period(from, to, Tz::UTC, bucket).unwrap_err() {
        AppError::Invalid(errors) => errors[0].pointer.clone(),
        error => error.code().to_owned(),
    };
    assert_eq!(code("2026-11-22", "2026-11-22", BucketSize::Day), "/to");
    assert_eq!(code("2026-01-01", "2026-03-01", BucketSize::Hour), "/bucket");
    for text in ["yesterday", "2026-02-30", "1999-12-31", "+262142-01-01", "2026-11-22T10:00"] {
        assert_eq!(code(text, "2026-11-22", BucketSize::Month), "malformed_request", "{text}");
    }
}
