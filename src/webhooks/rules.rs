//! Which events a webhook is told, and what follows from an attempt.
use chrono::{DateTime, TimeDelta, Utc};

use crate::events::EventType;
use crate::kernel::text_enum;

/// Webhooks of a desk at the most: each may be at work at any time.
pub const WEBHOOKS_MAX: i64 = 100;
/// How long the secret before signs too, in hours, when nobody says.
pub const OVERLAP_HOURS: i64 = 24;

text_enum! {
    /// How a delivery stands.
    DeliveryState {
        /// It waits for its first or its next attempt.
        Queued = "queued",
        /// The receiver took it.
        Delivered = "delivered",
        /// It was given up.
        Dead = "dead",
    }
}

text_enum! {
    /// Why the service itself switched a webhook off.
    DisabledReason {
        /// The receiver answered 410.
        Gone = "gone",
    }
}

/// The pauses behind each failed attempt; behind the last one it is given up.
const PAUSES: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];
/// A pause is up to this part longer, so that what failed together does not come back together.
const JITTER: f64 = 0.1;
/// The longest time that a receiver can ask to be left alone.
const REST_MAX: TimeDelta = TimeDelta::hours(24);

/// How an attempt ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// The receiver's answer; `None` when there was none.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The beginning of what it said.
    pub response: Option<String>,
    /// For how long it asked to be left alone.
    pub retry_after: Option<TimeDelta>,
    pub took: TimeDelta,
}

impl Ended {
    pub fn without_answer(why: impl Into<String>) -> Self {
        Self { error: Some(why.into()), ..Self::default() }
    }

    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The receiver wants nothing any more.
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }

    /// Until when the receiver wants nothing.
    pub fn rest_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let asks = !self.is_delivered() && !self.is_gone();
        Some(now + self.retry_after.filter(|_| asks)?.clamp(TimeDelta::zero(), REST_MAX))
    }
}

/// What becomes of a delivery.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Again(DateTime<Utc>),
    Dead,
}

/// What becomes of a delivery that failed `failures` times before this attempt; a test is made once. `jitter` is from 0 to 1.
pub fn next(ended: &Ended, failures: i32, test: bool, now: DateTime<Utc>, jitter: f64) -> Next {
    if ended.is_delivered() {
        return Next::Delivered;
    }
    // It is still to be delivered if somebody switches the webhook on again.
    if ended.is_gone() && !test {
        return Next::Again(now);
    }
    let pause = usize::try_from(failures).ok().and_then(|failed| PAUSES.get(failed));
    let Some(pause) = pause.filter(|_| !test) else { return Next::Dead };
    #[expect(clippy::cast_possible_truncation, reason = "days in milliseconds fit")]
    let longer = (pause.num_milliseconds() as f64 * JITTER * jitter) as i64;
    let due = now + *pause + TimeDelta::milliseconds(longer);
    Next::Again(ended.rest_until(now).map_or(due, |rest| rest.max(due)))
}

/// The types that these words stand for: names of types, and groups as `ticket.*`. Fails with the word that stands for none.
pub fn types(words: &[String]) -> Result<Vec<EventType>, &str> {
    let mut types = Vec::new();
    for word in words {
        let group = word.strip_suffix('*').filter(|group| group.ends_with('.'));
        let means = |kind: &&EventType| match group {
            Some(group) => kind.as_str().starts_with(group),
            None => kind.as_str() == word,
        };
        let before = types.len();
        types.extend(EventType::ALL.iter().filter(means));
        if types.len() == before {
            return Err(word);
        }
    }
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Ended {
        Ended { status: Some(status), ..Ended::default() }
    }

    #[test]
    fn an_attempt_that_fails_is_made_again_at_growing_times_ten_times_in_all() {
        let now = DateTime::UNIX_EPOCH;
        let pause = |failures| match next(&answered(500), failures, false, now, 0.0) {
            Next::Again(at) => Some((at - now).num_seconds()),
            _ => None,
        };
        let expected =
            [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map(Some).to_vec();
        assert_eq!((0..9).map(pause).collect::<Vec<_>>(), expected);
        assert_eq!(next(&answered(500), 9, false, now, 0.0), Next::Dead);
        let Next::Again(at) = next(&answered(500), 2, false, now, 1.0) else { panic!() };
        assert_eq!(at - now, TimeDelta::minutes(33));
    }

    #[test]
    fn only_2xx_is_delivered_and_a_test_is_made_once() {
        let now = DateTime::UNIX_EPOCH;
        for (status, delivered) in
            [(200, true), (204, true), (299, true), (301, false), (400, false)]
        {
            let next = next(&answered(status), 0, false, now, 0.0);
            assert_eq!(next == Next::Delivered, delivered, "{status}");
        }
        assert_eq!(next(&answered(500), 0, true, now, 0.0), Next::Dead);
        assert_eq!(next(&answered(410), 0, true, now, 0.0), Next::Dead);
        assert_eq!(next(&Ended::without_answer("refused"), 9, false, now, 0.0), Next::Dead);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_but_not_for_a_shorter_one_nor_for_weeks() {
        let now = DateTime::UNIX_EPOCH;
        let asks =
            |seconds| Ended { retry_after: Some(TimeDelta::seconds(seconds)), ..answered(429) };
        let pause = |ended: &Ended| match next(ended, 0, false, now, 0.0) {
            Next::Again(at) => (at - now).num_seconds(),
            other => panic!("{other:?}"),
        };
        assert_eq!(pause(&asks(60)), 60);
        assert_eq!(pause(&asks(1)), 5);
        assert_eq!(pause(&asks(9_999_999)), 86_400);
        assert_eq!(pause(&asks(-5)), 5);
    }

    #[test]
    fn types_are_named_one_by_one_or_in_groups() {
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            types(&words).map_err(str::to_owned)
        };
        assert_eq!(of(&["ticket.opened"]).unwrap(), [EventType::TicketOpened]);
        let all = of(&["resource.*", "ticket.opened", "resource.created"]).unwrap();
        assert_eq!(all.len(), 4, "{all:?}");
        assert_eq!(of(&[]).unwrap(), []);
        assert_eq!(of(&["ticket"]), Err("ticket".to_owned()));
        assert_eq!(of(&["*"]), Err("*".to_owned()));
        assert_eq!(of(&["ticket.exploded"]), Err("ticket.exploded".to_owned()));
        assert_eq!(of(&["tick*"]), Err("tick*".to_owned()));
    }
}
