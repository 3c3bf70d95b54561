//! How a ticket stands, in short: for lists.
use chrono::{DateTime, Utc};

use super::clock::{Clock, Figures};
use super::policy::Metric;
use crate::tickets::SlaStanding;

/// How a ticket stands to what was promised, whatever the time is: late is what is due before the reader's now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    pub standing: SlaStanding,
    /// What is due next, of the clocks that have not ended.
    pub due: Option<(DateTime<Utc>, Metric)>,
}

/// Of all clocks of a ticket, each with its figures.
pub fn outlook(clocks: &[(Clock, Figures)]) -> Outlook {
    let promised = || clocks.iter().filter(|(_, figures)| figures.remaining.is_some());
    let open = || promised().filter(|(clock, _)| clock.ended_at.is_none());
    let due = open().filter_map(|(clock, figures)| Some((figures.due_at?, clock.metric))).min();
    let opened = clocks.iter().filter(|(clock, _)| clock.metric == Metric::Resolution);
    let opened = opened.map(|(clock, _)| clock.started_at).max();
    let mut last = promised().filter(|(clock, _)| Some(clock.started_at) >= opened).peekable();
    // Merged or deleted: that may be undone.
    let halted = clocks.iter().any(|(clock, _)| clock.ended_at.is_some() && !clock.is_over);
    let standing = if open().any(|(clock, _)| clock.running_since().is_some()) {
        SlaStanding::Running
    } else if open().next().is_some() {
        SlaStanding::Paused
    } else if halted || last.peek().is_none() {
        SlaStanding::None
    } else if last.any(|(_, figures)| figures.breached_at.is_some()) {
        SlaStanding::Breached
    } else {
        SlaStanding::Met
    };
    Outlook { standing, due }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::sla::rules::ClockState;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    /// A clock that was started at an hour, is due at another one, and may have ended.
    fn clock(
        metric: Metric,
        started: i64,
        due: Option<i64>,
        ended: Option<(i64, bool)>,
    ) -> (Clock, Figures) {
        let stretch = super::super::clock::Stretch {
            from: at(started),
            until: None,
            runs: due.is_some(),
            because: serde_json::Value::Null,
        };
        let clock = Clock {
            metric,
            cycle: 1,
            state: ClockState::Running,
            started_at: at(started),
            ended_at: ended.map(|(hour, _)| at(hour)),
            is_over: ended.is_some_and(|(_, over)| over),
            basis: None,
            deadline: None,
            stretches: vec![stretch],
            warned: None,
            breached: None,
        };
        let figures = Figures {
            elapsed: TimeDelta::zero(),
            remaining: Some(TimeDelta::zero()),
            due_at: due.map(at),
            warn_at: None,
            breached_at: due.filter(|due| ended.is_some_and(|(hour, _)| *due < hour)).map(at),
            check_at: None,
        };
        (clock, figures)
    }

    use Metric::{FirstResponse, NextResponse, Resolution};

    #[test]
    fn the_clock_that_is_due_first_is_shown_of_those_that_have_not_ended() {
        let both = [
            clock(Resolution, 0, Some(8), None),
            clock(FirstResponse, 0, Some(1), None),
            clock(NextResponse, 0, Some(0), Some((1, true))),
        ];
        let expected =
            Outlook { standing: SlaStanding::Running, due: Some((at(1), FirstResponse)) };
        assert_eq!(outlook(&both), expected);
    }

    #[test]
    fn a_ticket_whose_clocks_all_wait_is_paused() {
        let paused = outlook(&[clock(Resolution, 0, None, None)]);
        assert_eq!(paused, Outlook { standing: SlaStanding::Paused, due: None });
    }

    #[test]
    fn a_ticket_whose_clocks_are_over_was_late_or_not_since_it_was_opened_the_last_time() {
        let over = |due, ended| clock(Resolution, 0, Some(due), Some((ended, true)));
        let standing = |clocks: &[_]| outlook(clocks).standing;
        assert_eq!(standing(&[over(8, 7)]), SlaStanding::Met);
        assert_eq!(standing(&[over(8, 9)]), SlaStanding::Breached);
        let again = clock(Resolution, 10, Some(18), Some((12, true)));
        assert_eq!(standing(&[over(8, 9), again]), SlaStanding::Met);
        assert_eq!(standing(&[]), SlaStanding::None);
    }

    #[test]
    fn nothing_is_promised_for_a_merged_ticket_or_by_a_clock_without_a_target() {
        let merged = clock(Resolution, 0, Some(8), Some((9, false)));
        assert_eq!(outlook(&[merged]), Outlook { standing: SlaStanding::None, due: None });
        let (unmeasured, figures) = clock(Resolution, 0, None, None);
        let figures = Figures { remaining: None, ..figures };
        assert_eq!(outlook(&[(unmeasured, figures)]).standing, SlaStanding::None);
    }
}
