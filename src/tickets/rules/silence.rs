//! Customers who say nothing: when they are reminded, and when their ticket goes on without them. Days are of 24 hours.
use chrono::{DateTime, TimeDelta, Utc};

use crate::tickets::store::{Silence, Ticket};
use crate::workflow::{Transition, Trigger, Workflow};

/// What is to be done about a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing before this time.
    Wait(DateTime<Utc>),
    /// Remind the customer; without a reply, the ticket goes on then.
    Remind { until: DateTime<Utc> },
    /// The ticket goes on.
    GoOn,
}

/// The customer's turn begins, or begins anew: as long as the workflow waits for them in the ticket's status, and the ticket
/// was not merged into another.
pub fn await_reply(ticket: &mut Ticket, workflow: &Workflow, now: DateTime<Utc>) {
    let way = workflow.on(&ticket.status, Trigger::NoFeedback, ticket.closed_at, now);
    let way = way.filter(|_| ticket.merged_into.is_none());
    ticket.silence = way.map_or_else(Silence::default, |way| Silence {
        since: Some(now),
        reminded_at: None,
        due_at: Some(now + days(way.reminder_after_days.or(way.after_days))),
    });
}

/// What is due now by this transition for want of feedback, which an administrator may have changed since the silence began.
/// Whoever was reminded late has the time to reply that the workflow gives behind a reminder all the same.
pub fn due(silence: &Silence, way: &Transition, now: DateTime<Utc>) -> Due {
    let since = silence.since.unwrap_or(now);
    let end = since + days(way.after_days);
    let Some(reminder) = way.reminder_after_days else {
        return if end <= now { Due::GoOn } else { Due::Wait(end) };
    };
    let left = days(way.after_days) - days(Some(reminder));
    match silence.reminded_at {
        None if since + days(Some(reminder)) > now => Due::Wait(since + days(Some(reminder))),
        None => Due::Remind { until: end.max(now + left) },
        Some(at) if end.max(at + left) > now => Due::Wait(end.max(at + left)),
        Some(_) => Due::GoOn,
    }
}

fn days(days: Option<i32>) -> TimeDelta {
    TimeDelta::days(days.unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::TransitionId;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn way(after: i32, reminder: Option<i32>) -> Transition {
        Transition {
            id: TransitionId::new(),
            from: "035".into(),
            to: "050".into(),
            trigger: Trigger::NoFeedback,
            requires: Vec::new(),
            effects: Vec::new(),
            within_days: None,
            after_days: Some(after),
            reminder_after_days: reminder,
        }
    }

    fn silent(reminded: Option<i64>) -> Silence {
        Silence { since: Some(at(0)), reminded_at: reminded.map(at), due_at: None }
    }

    #[test]
    fn a_customer_is_reminded_after_7_days_and_the_ticket_goes_on_after_14() {
        let way = way(14, Some(7));
        let (week, fortnight) = (7 * 24, 14 * 24);
        assert_eq!(due(&silent(None), &way, at(week - 1)), Due::Wait(at(week)));
        assert_eq!(due(&silent(None), &way, at(week)), Due::Remind { until: at(fortnight) });
        let reminded = silent(Some(week));
        assert_eq!(due(&reminded, &way, at(fortnight - 1)), Due::Wait(at(fortnight)));
        assert_eq!(due(&reminded, &way, at(fortnight)), Due::GoOn);
    }

    #[test]
    fn without_a_reminder_the_ticket_goes_on_when_its_time_is_over() {
        assert_eq!(due(&silent(None), &way(2, None), at(47)), Due::Wait(at(48)));
        assert_eq!(due(&silent(None), &way(2, None), at(48)), Due::GoOn);
    }

    proptest! {
        /// However long the service was away and however often it looks: a reminder comes first, once, and behind it is as
        /// much time as the workflow gives.
        #[test]
        fn nobody_is_passed_over_without_a_reminder_and_the_time_to_answer_it(
            after in 2_i32..30, reminder in 1_i32..30, looks in prop::collection::vec(1_i64..400, 1..30),
        ) {
            let reminder = reminder.min(after - 1);
            let way = way(after, Some(reminder));
            let (mut silence, mut now) = (silent(None), 0);
            for pause in looks {
                now += pause;
                match due(&silence, &way, at(now)) {
                    Due::Wait(until) => prop_assert!(until > at(now)),
                    Due::Remind { until } => {
                        prop_assert!(silence.reminded_at.is_none() && until > at(now));
                        prop_assert!(now >= i64::from(reminder) * 24);
                        silence.reminded_at = Some(at(now));
                    }
                    Due::GoOn => {
                        let reminded = silence.reminded_at.unwrap();
                        prop_assert!(now >= i64::from(after) * 24);
                        prop_assert!(at(now) - reminded >= TimeDelta::days((after - reminder).into()));
                        return Ok(());
                    }
                }
            }
        }
    }
}
