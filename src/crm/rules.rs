//! When to try again. Pure.
use chrono::TimeDelta;

/// Failures of one item after which it is parked.
pub const MAX_ATTEMPTS: i32 = 12;

/// Failures of a connection in a row, over all its items, that are taken for an outage.
const OUTAGE_AFTER: i32 = 3;

pub fn is_outage(failures: i32) -> bool {
    failures >= OUTAGE_AFTER
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
}
