use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_begun_minute_counts_whole_and_one_counts_at_the_least() {
    let start = at("2026-03-02T09:00:00Z");
    let minutes = |ran: TimeDelta| counted(start, start + ran, TimeDelta::hours(12)).minutes;
    for (ran, counts) in [
        (TimeDelta::zero(), 1),
        (TimeDelta::seconds(-5), 1),
        (TimeDelta::microseconds(1), 1),
        (TimeDelta::seconds(60), 1),
        (TimeDelta::microseconds(60_000_001), 2),
        (TimeDelta::minutes(90), 90),
    ] {
        assert_eq!(minutes(ran), counts, "{ran}");
    }
}

#[test]
fn a_forgotten_timer_counts_its_most_and_says_so() {
    let (start, most) = (at("2026-03-02T09:00:00Z"), TimeDelta::hours(12));
    let just = start + most - TimeDelta::microseconds(1);
    assert_eq!(counted(start, just, most), Counted { minutes: 720, capped: false });
    for stopped in [start + most, start + TimeDelta::days(30)] {
        assert_eq!(counted(start, stopped, most), Counted { minutes: 720, capped: true });
    }
}

#[test]
fn minutes_are_those_that_passed_when_the_clock_is_changed() {
    // 01:30 to 03:30 in Vienna on the night that has no hour from 2 to 3.
    let night =
        counted(at("2026-03-29T00:30:00Z"), at("2026-03-29T01:30:00Z"), TimeDelta::hours(12));
    assert_eq!(night.minutes, 60);
}

#[test]
fn the_day_is_the_one_on_the_agents_clock() {
    let vienna = Tz::Europe__Vienna;
    assert_eq!(day(at("2026-03-28T22:59:59Z"), vienna), on("2026-03-28"));
    assert_eq!(day(at("2026-03-28T23:00:00Z"), vienna), on("2026-03-29"));
    assert_eq!(day(at("2026-03-29T21:59:59Z"), vienna), on("2026-03-29"));
    assert_eq!(day(at("2026-03-29T22:00:00Z"), vienna), on("2026-03-30"));
    assert_eq!(day(at("2026-10-25T22:59:59Z"), vienna), on("2026-10-25"));
    assert_eq!(day(at("2026-10-25T23:00:00Z"), vienna), on("2026-10-26"));
    assert_eq!(day(at("2026-01-01T09:59:59Z"), Tz::Pacific__Kiritimati), on("2026-01-01"));
    assert_eq!(day(at("2026-01-01T10:00:00Z"), Tz::Pacific__Kiritimati), on("2026-01-02"));
}

#[test]
fn work_is_booked_on_days_that_have_begun() {
    let today = on("2026-03-02");
    assert!(check_day(today, today).is_ok() && check_day(on("2000-01-01"), today).is_ok());
    assert!(check_day(on("2026-03-03"), today).is_err());
    assert!(check_day(on("1999-12-31"), today).is_err());
}

#[test]
fn a_half_of_the_minor_unit_is_rounded_up() {
    assert_eq!(amount(60, 12_000), 12_000);
    assert_eq!(amount(1, 30), 1);
    assert_eq!(amount(1, 29), 0);
    assert_eq!(amount(20, 10_000), 3_333);
    assert_eq!(amount(40, 10_000), 6_667);
    assert_eq!(amount(1440, 1_000_000_000), 24_000_000_000);
}

#[test]
fn a_currency_is_one_that_people_pay_with() {
    assert!(["EUR", "USD", "JPY", "KWD"].iter().all(|code| is_currency(code)));
    assert!(["eur", "EURO", "XXX", "", "E"].iter().all(|code| !is_currency(code)));
}

fn groups() -> impl Strategy<Value = Vec<Alike>> {
    let rate = prop::option::of((0_i64..100_000, prop::sample::select(vec!["EUR", "USD"])));
    let group = (1_i32..=1440, any::<bool>(), rate, 1_i64..4);
    prop::collection::vec(
        group.prop_map(|(minutes, chargeable, rate, entries)| Alike {
            minutes,
            chargeable,
            per_hour: rate.map(|(per_hour, _)| per_hour),
            currency: rate.map(|(_, currency)| currency.to_owned()),
            entries,
        }),
        0..20,
    )
}

proptest! {
    /// However work is cut into entries, the sum differs from that of one entry by half a unit for each of them.
    #[test]
    fn the_sum_of_a_split_is_within_half_a_unit_for_each_entry(
        parts in prop::collection::vec(1_i32..60, 1..20),
        per_hour in 0_i64..1_000_000,
    ) {
        let whole = amount(parts.iter().sum(), per_hour);
        let split: i64 = parts.iter().map(|minutes| amount(*minutes, per_hour)).sum();
        prop_assert!(2 * (whole - split).abs() <= parts.len() as i64 + 1, "{} {}", whole, split);
    }

    #[test]
    fn an_amount_is_the_nearest_whole_one(minutes in 1_i32..=1440, per_hour in 0_i64..=1_000_000_000) {
        let exact = i64::from(minutes) * per_hour;
        let off = 60 * amount(minutes, per_hour) - exact;
        prop_assert!(-30 < off && off <= 30);
    }

    #[test]
    fn totals_are_the_sums_over_the_entries_one_by_one(groups in groups()) {
        let totals = Totals::of(groups.clone());
        let one_by_one = groups.iter().flat_map(|group| {
            let single = Alike { entries: 1, ..group.clone() };
            std::iter::repeat_n(single, usize::try_from(group.entries).unwrap())
        });
        prop_assert_eq!(&totals, &Totals::of(one_by_one));
        let minutes = groups.iter().map(|g| i64::from(g.minutes) * g.entries).sum::<i64>();
        prop_assert_eq!(totals.minutes, minutes);
        prop_assert!(totals.unpriced_minutes <= totals.chargeable_minutes);
        prop_assert!(totals.amounts.iter().all(|sum| ["EUR", "USD"].contains(&sum.currency.as_str())));
    }

    #[test]
    fn a_timer_that_runs_longer_counts_no_less(a in 0_i64..200_000, b in 0_i64..200_000) {
        let start = at("2026-03-02T09:00:00Z");
        let after = |seconds| counted(start, start + TimeDelta::seconds(seconds), TimeDelta::hours(24));
        let (short, long) = (after(a.min(b)), after(a.max(b)));
        prop_assert!(short.minutes <= long.minutes && (1..=1440).contains(&long.minutes));
        prop_assert!(!short.capped || long.capped);
    }
}
