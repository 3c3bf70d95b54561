//! When a mail goes out. The clock on the wall decides, so summer time needs no rule of its own: what is due at a time that the
//! clock is put forward over, is due when it was put forward.
use chrono::{DateTime, DurationRound as _, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;

use super::preferences::{Digest, Preferences};

/// A day that is as long as they come, with the hours that a clock is put back by; no search goes further.
const LONGEST: i64 = 50 * 60;

/// When a mail of now goes out; `None`: at once.
pub fn mail_due(own: &Preferences, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if own.digest != Digest::Immediate {
        return Some(digest_due(own, zone, now));
    }
    let quiet = own.quiet_hours.filter(|quiet| quiet.at(now, zone))?;
    Some(first_minute(now, |minute| !quiet.at(minute, zone)))
}

/// When what is to be told now goes out together with what else there is: at the time of their daily digest, otherwise at the full
/// hour; behind the quiet hours.
pub fn digest_due(own: &Preferences, zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    let at = own.daily_at.minutes();
    let due = first_minute(now, |minute| match own.digest {
        Digest::Daily => reaches(minute, zone, at),
        Digest::Hourly | Digest::Immediate => minute.with_timezone(&zone).minute() == 0,
    });
    match own.quiet_hours.filter(|quiet| quiet.at(due, zone)) {
        Some(quiet) => first_minute(due, |minute| !quiet.at(minute, zone)),
        None => due,
    }
}

/// Whether the clock comes to this minute of the day just then, or is put forward over it.
fn reaches(now: DateTime<Utc>, zone: Tz, at: u32) -> bool {
    let (now, before) =
        (now.with_timezone(&zone), (now - TimeDelta::minutes(1)).with_timezone(&zone));
    let minute = |local: &DateTime<Tz>| local.hour() * 60 + local.minute();
    minute(&now) >= at && (minute(&before) < at || before.date_naive() < now.date_naive())
}

/// The first full minute behind `now` for which this holds.
fn first_minute(now: DateTime<Utc>, holds: impl Fn(DateTime<Utc>) -> bool) -> DateTime<Utc> {
    let start = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
    let mut minutes = (1..=LONGEST).map(|minute| start + TimeDelta::minutes(minute));
    minutes.find(|minute| holds(*minute)).unwrap_or(start + TimeDelta::minutes(LONGEST))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;
    use crate::notifications::rules::QuietHours;
    use crate::people::ClockTime;

    const VIENNA: Tz = Tz::Europe__Vienna;

    fn clock(minutes: u32) -> ClockTime {
        format!("{:02}:{:02}", minutes / 60, minutes % 60).try_into().unwrap()
    }

    fn own(digest: Digest, daily_at: u32, quiet: Option<(u32, u32)>) -> Preferences {
        let quiet_hours = quiet.map(|(from, to)| QuietHours { from: clock(from), to: clock(to) });
        Preferences { digest, daily_at: clock(daily_at), quiet_hours, ..Preferences::default() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn local(text: &str) -> DateTime<Utc> {
        let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        VIENNA.from_local_datetime(&local).single().unwrap().to_utc()
    }

    #[test]
    fn outside_of_quiet_hours_a_mail_goes_out_at_once() {
        let nightly = own(Digest::Immediate, 480, Some((22 * 60, 7 * 60)));
        assert_eq!(mail_due(&Preferences::default(), VIENNA, at("2026-11-22T03:00:00Z")), None);
        assert_eq!(mail_due(&nightly, VIENNA, local("2026-11-22 21:59")), None);
        assert_eq!(mail_due(&nightly, VIENNA, local("2026-11-22 07:00")), None);
        let due = Some(local("2026-11-23 07:00"));
        assert_eq!(mail_due(&nightly, VIENNA, local("2026-11-22 22:00")), due);
        assert_eq!(mail_due(&nightly, VIENNA, local("2026-11-23 06:59")), due);
    }

    #[test]
    fn the_night_on_which_the_clock_is_put_forward_is_an_hour_shorter_and_the_other_one_longer() {
        let nightly = own(Digest::Immediate, 480, Some((22 * 60, 7 * 60)));
        let (spring, autumn) = (local("2026-03-28 22:00"), local("2026-10-24 22:00"));
        let hours = |from| (mail_due(&nightly, VIENNA, from).unwrap() - from).num_hours();
        assert_eq!((hours(spring), hours(autumn)), (8, 10));
        // The clock goes from 02:00 to 03:00: quiet hours until 02:30 end there.
        let half = own(Digest::Immediate, 480, Some((22 * 60, 2 * 60 + 30)));
        assert_eq!(mail_due(&half, VIENNA, spring), Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn a_daily_digest_goes_out_when_the_clock_comes_to_its_time_or_is_put_forward_over_it() {
        let half_past_two = own(Digest::Daily, 2 * 60 + 30, None);
        let due = |now| digest_due(&half_past_two, VIENNA, now);
        assert_eq!(due(local("2026-03-28 12:00")), at("2026-03-29T01:00:00Z"));
        assert_eq!(due(local("2026-11-22 02:30")), local("2026-11-23 02:30"));
        assert_eq!(due(local("2026-11-22 02:29")), local("2026-11-22 02:30"));
        let midnight = own(Digest::Daily, 0, None);
        let due = digest_due(&midnight, VIENNA, local("2026-11-22 13:00"));
        assert_eq!(due, local("2026-11-23 00:00"));
    }

    #[test]
    fn an_hourly_digest_goes_out_at_the_full_hour_of_the_place_and_behind_the_quiet_hours() {
        let now = at("2026-11-22T10:10:00Z");
        let hourly = own(Digest::Hourly, 480, None);
        assert_eq!(digest_due(&hourly, VIENNA, now), at("2026-11-22T11:00:00Z"));
        assert_eq!(digest_due(&hourly, Tz::Asia__Kolkata, now), at("2026-11-22T10:30:00Z"));
        let lunch = own(Digest::Hourly, 480, Some((12 * 60, 12 * 60 + 45)));
        assert_eq!(digest_due(&lunch, VIENNA, now), local("2026-11-22 12:45"));
    }

    prop_compose! {
        /// Around the days on which clocks are put forward and back, in any zone.
        fn moment()(day in 0_i64..800, second in 0_i64..86_400) -> DateTime<Utc> {
            at("2026-01-01T00:00:00Z") + TimeDelta::days(day) + TimeDelta::seconds(second)
        }
    }

    proptest! {
        #[test]
        fn a_mail_leaves_at_the_first_minute_that_is_not_quiet(
            now in moment(), zone in 0..TZ_VARIANTS.len(), from in 0_u32..1440, long in 1_u32..1440,
        ) {
            let zone = TZ_VARIANTS[zone];
            let preferences = own(Digest::Immediate, 480, Some((from, (from + long) % 1440)));
            let quiet = preferences.quiet_hours.unwrap();
            let Some(due) = mail_due(&preferences, zone, now) else {
                prop_assert!(!quiet.at(now, zone));
                return Ok(());
            };
            prop_assert!(quiet.at(now, zone) && !quiet.at(due, zone));
            prop_assert!(due > now && due - now <= TimeDelta::hours(26));
            let before = (1..(due - now).num_minutes()).map(|m| due - TimeDelta::minutes(m));
            for minute in before {
                prop_assert!(quiet.at(minute, zone), "{minute} is not quiet");
            }
        }

        #[test]
        fn a_digest_is_never_more_than_a_day_away_and_never_in_quiet_hours(
            now in moment(), zone in 0..TZ_VARIANTS.len(), daily in any::<bool>(), daily_at in 0_u32..1440,
            from in 0_u32..1440, long in 1_u32..1440,
        ) {
            let zone = TZ_VARIANTS[zone];
            let digest = if daily { Digest::Daily } else { Digest::Hourly };
            let without = own(digest, daily_at, None);
            let soonest = digest_due(&without, zone, now);
            prop_assert!(soonest > now);
            let longest = if daily { TimeDelta::hours(26) } else { TimeDelta::hours(2) };
            prop_assert!(soonest - now <= longest, "{soonest}");
            let quiet = own(digest, daily_at, Some((from, (from + long) % 1440)));
            let due = digest_due(&quiet, zone, now);
            prop_assert!(due >= soonest && !quiet.quiet_hours.unwrap().at(due, zone));
        }
    }
}
