//! When to try again, how much at a time, and what counts are told. Pure.
use chrono::{DateTime, TimeDelta, Utc};

use crate::kernel::text_enum;

/// Failures of one item after which it is parked.
pub const MAX_ATTEMPTS: i32 = 12;

/// Failures of a connection in a row, of different items, that are taken for an outage.
pub const OUTAGE_AFTER: i32 = 3;

/// How long a trial may take before another is made: longer than a call to a CRM.
pub const TRIAL: TimeDelta = TimeDelta::seconds(45);

/// A CRM that asks for a pause without saying how long gets this one.
pub const THROTTLE_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// A CRM can ask for a pause, but not for good.
pub const LONGEST_PAUSE: TimeDelta = TimeDelta::days(1);

text_enum! {
    /// Whether calls to a CRM get through.
    Breaker {
        /// All do.
        Closed = "closed",
        /// An outage: none does for a while.
        Open = "open",
        /// The while is over: one attempt finds out whether the outage is.
        HalfOpen = "half_open",
    }
}

pub fn is_outage(failures: i32) -> bool {
    failures >= OUTAGE_AFTER
}

/// What a connection's row says of how it may be used.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    pub active: bool,
    pub failures: i32,
    pub not_before: Option<DateTime<Utc>>,
    pub trial_until: Option<DateTime<Utc>>,
    /// Attempts at a time by the settings.
    pub limit: i32,
    /// Attempts at a time after the CRM asked for fewer requests.
    pub allowed: Option<i32>,
}

impl Flow {
    pub fn breaker(&self, now: DateTime<Utc>) -> Breaker {
        match (is_outage(self.failures), self.not_before) {
            (false, _) => Breaker::Closed,
            (true, Some(until)) if until > now => Breaker::Open,
            (true, _) => Breaker::HalfOpen,
        }
    }

    /// Calls at a time when all is well, or as few as the CRM bears.
    pub fn width(&self) -> i32 {
        self.allowed.map_or(self.limit, |allowed| allowed.min(self.limit)).max(1)
    }

    /// Attempts that may be under way at a time, in all processes. A quarter more than calls: while one asks the database,
    /// another calls the CRM in its place, and [`Access::calls`](super::adapters::Access) keeps a process to the calls.
    pub fn slots(&self, now: DateTime<Utc>) -> i32 {
        let waits = |until: Option<DateTime<Utc>>| until.is_some_and(|until| until > now);
        if !self.active || waits(self.not_before) {
            return 0;
        }
        match self.breaker(now) {
            Breaker::Closed => self.width() + self.width() / 4,
            Breaker::Open => 0,
            Breaker::HalfOpen => i32::from(!waits(self.trial_until)),
        }
    }
}

/// How long an item waits after its `attempts`-th failure: from about 5 seconds to about half an hour. `jitter`, from 0 to
/// 1, spreads what failed together.
pub fn backoff(attempts: i32, jitter: f64) -> TimeDelta {
    pause(attempts - 1, 5_000.0, 1_800_000.0, jitter)
}

/// How long a connection is left alone during an outage: from about 2 seconds to about a minute, so that it is soon
/// noticed when the outage is over.
pub fn outage_pause(failures: i32, jitter: f64) -> TimeDelta {
    pause(failures - OUTAGE_AFTER, 2_000.0, 60_000.0, jitter)
}

/// Doubles with each step from `first` up to `longest`, in milliseconds, give or take half.
fn pause(step: i32, first: f64, longest: f64, jitter: f64) -> TimeDelta {
    let steady = (first * 2_f64.powi(step.clamp(0, 30))).min(longest);
    #[expect(clippy::cast_possible_truncation, reason = "a pause has few milliseconds")]
    TimeDelta::milliseconds((steady * (0.5 + jitter)) as i64)
}

/// Classes of lag for each doubling: neighbours differ by a ninth.
const CLASSES_PER_DOUBLING: f64 = 8.0;

/// The class that counts a lag; a year has a class below 300.
pub fn lag_class(lag: TimeDelta) -> i32 {
    let milliseconds = lag.num_milliseconds().max(0);
    #[expect(clippy::cast_precision_loss, reason = "classes are coarser")]
    let class = ((milliseconds + 1) as f64).log2() * CLASSES_PER_DOUBLING;
    #[expect(clippy::cast_possible_truncation, reason = "a lag has few doublings")]
    let class = class.ceil() as i32;
    class
}

/// The longest lag of a class, in milliseconds.
fn longest_lag(class: i32) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a class is that of a lag")]
    let longest = (2_f64.powf(f64::from(class) / CLASSES_PER_DOUBLING) - 1.0).round() as i64;
    longest
}

/// The lag, in milliseconds, that this part of all is not above. `counts` are counts by class, in the order of the classes.
pub fn lag_quantile(counts: &[(i32, i64)], part: f64) -> Option<i64> {
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a rank")]
    let rank = ((all as f64 * part).ceil() as i64).max(1);
    let mut seen = 0;
    counts.iter().find_map(|(class, count)| {
        seen += count;
        (seen >= rank).then(|| longest_lag(*class))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_bounded() {
        let at = |attempts| backoff(attempts, 0.5).num_seconds();
        assert_eq!((at(1), at(2), at(3)), (5, 10, 20));
        assert_eq!((at(12), at(10_000)), (1800, 1800));
        assert_eq!(outage_pause(3, 0.5).num_seconds(), 2);
        assert_eq!(outage_pause(500, 0.5).num_seconds(), 60);
    }

    #[test]
    fn jitter_spreads_by_half_to_either_side() {
        assert_eq!(backoff(1, 0.0).num_milliseconds(), 2_500);
        assert_eq!(backoff(1, 1.0).num_milliseconds(), 7_500);
    }

    #[test]
    fn an_outage_lets_nothing_through_then_one_then_all() {
        let now = DateTime::UNIX_EPOCH;
        let later = Some(now + TimeDelta::seconds(5));
        let well = Flow {
            active: true,
            failures: 0,
            not_before: None,
            trial_until: None,
            limit: 8,
            allowed: None,
        };
        assert_eq!((well.breaker(now), well.slots(now)), (Breaker::Closed, 10));
        let open = Flow { failures: 3, not_before: later, ..well };
        assert_eq!((open.breaker(now), open.slots(now)), (Breaker::Open, 0));
        let over = Flow { not_before: Some(now), ..open };
        assert_eq!((over.breaker(now), over.slots(now)), (Breaker::HalfOpen, 1));
        assert_eq!(Flow { trial_until: later, ..over }.slots(now), 0);
        assert_eq!(Flow { failures: 2, ..over }.slots(now), 10);
    }

    #[test]
    fn a_pause_or_fewer_allowed_attempts_bound_the_slots() {
        let now = DateTime::UNIX_EPOCH;
        let (not_before, trial_until) = (None, None);
        let flow =
            Flow { active: true, failures: 0, not_before, trial_until, limit: 8, allowed: Some(2) };
        assert_eq!(flow.slots(now), 2);
        assert_eq!(Flow { limit: 1, ..flow }.slots(now), 1);
        assert_eq!(Flow { active: false, ..flow }.slots(now), 0);
        assert_eq!(Flow { not_before: Some(now + TimeDelta::seconds(1)), ..flow }.slots(now), 0);
    }

    #[test]
    fn a_quantile_is_told_within_a_ninth() {
        let lags = (1..=1000).map(|n| lag_class(TimeDelta::milliseconds(n)));
        let mut counts = std::collections::BTreeMap::new();
        lags.for_each(|class| *counts.entry(class).or_insert(0) += 1);
        let counts: Vec<(i32, i64)> = counts.into_iter().collect();
        let (p50, p99) = (lag_quantile(&counts, 0.5), lag_quantile(&counts, 0.99));
        assert!((500..=556).contains(&p50.unwrap()), "{p50:?}");
        assert!((990..=1100).contains(&p99.unwrap()), "{p99:?}");
        assert_eq!(lag_quantile(&[], 0.5), None);
        assert_eq!(lag_quantile(&[(0, 1)], 0.99), Some(0));
    }
}
