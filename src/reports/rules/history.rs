//! What a ticket's history comes to: when it was open, who had it, and when the desk first replied.
use chrono::{DateTime, Utc};

use crate::kernel::AgentId;
use crate::workflow::Category;

/// A version of a ticket, as far as reports care.
#[derive(Debug, Clone, Default)]
pub struct Occurrence {
    pub at: DateTime<Utc>,
    /// The category of the status that it was moved to.
    pub moved: Option<Category>,
    /// To whom it was given; `Some(None)`: taken from whoever had it.
    pub assigned: Option<Option<AgentId>>,
    /// It was merged into another ticket (true), or that was undone.
    pub merged: Option<bool>,
    /// The desk said something that the customer can read.
    pub replied: bool,
}

/// A time in which a ticket was open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    pub opened_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    /// It was closed by a merge.
    pub merged: bool,
    /// Who had it when it was closed.
    pub agent_id: Option<AgentId>,
}

/// All that reports know of the past of a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// In their order; the first began with the submission, every other with a reopening.
    pub cycles: Vec<Cycle>,
    pub responded_at: Option<DateTime<Utc>>,
    pub assignments: Vec<(AgentId, DateTime<Utc>)>,
}

impl History {
    /// From every version of a ticket, in order. What was merged and is not any more was never closed by that; time does not
    /// run back, whatever the clocks of several machines say.
    pub fn of(versions: impl IntoIterator<Item = Occurrence>) -> Self {
        let mut history = Self::default();
        let (mut last, mut agent) = (None, None);
        for what in versions {
            let at = last.map_or(what.at, |last: DateTime<Utc>| last.max(what.at));
            last = Some(at);
            if let Some(to) = what.assigned {
                agent = to;
                history.assignments.extend(to.map(|to| (to, at)));
            }
            if what.replied {
                history.responded_at.get_or_insert(at);
            }
            match what.moved {
                None | Some(Category::Draft) => {}
                Some(Category::Closed) => history.close(at, agent, what.merged == Some(true)),
                Some(_) => history.open(at, what.merged == Some(false)),
            }
        }
        history
    }

    fn close(&mut self, at: DateTime<Utc>, agent: Option<AgentId>, merged: bool) {
        if let Some(cycle) = self.cycles.last_mut().filter(|cycle| cycle.closed_at.is_none()) {
            cycle.closed_at = Some(at);
            (cycle.agent_id, cycle.merged) = (agent, merged);
        }
    }

    fn open(&mut self, at: DateTime<Utc>, merge_undone: bool) {
        match self.cycles.last_mut() {
            Some(Cycle { closed_at: None, .. }) => {}
            Some(cycle) if merge_undone && cycle.merged => {
                (cycle.closed_at, cycle.agent_id, cycle.merged) = (None, None, false);
            }
            _ => {
                let new = Cycle { opened_at: at, closed_at: None, merged: false, agent_id: None };
                self.cycles.push(new);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn moved(second: i64, to: Category) -> Occurrence {
        Occurrence { at: at(second), moved: Some(to), ..Occurrence::default() }
    }

    fn spans(versions: Vec<Occurrence>) -> Vec<(i64, Option<i64>, bool)> {
        let seconds = |time: DateTime<Utc>| time.timestamp();
        let cycles = History::of(versions).cycles.into_iter();
        cycles.map(|c| (seconds(c.opened_at), c.closed_at.map(seconds), c.merged)).collect()
    }

    #[test]
    fn a_ticket_is_open_from_its_submission_or_reopening_until_it_is_closed() {
        let versions = [
            moved(1, Category::New),
            moved(2, Category::Pending),
            moved(3, Category::Closed),
            // From solved to closed: it was closed before.
            moved(4, Category::Closed),
            moved(5, Category::Open),
        ];
        assert_eq!(spans(versions.into()), [(1, Some(3), false), (5, None, false)]);
    }

    #[test]
    fn a_merge_closes_and_when_it_is_undone_it_never_did() {
        let merge = Occurrence { merged: Some(true), ..moved(2, Category::Closed) };
        let undone = Occurrence { merged: Some(false), ..moved(3, Category::Open) };
        let opened = moved(1, Category::New);
        assert_eq!(spans(vec![opened.clone(), merge.clone()]), [(1, Some(2), true)]);
        assert_eq!(spans(vec![opened, merge, undone.clone()]), [(1, None, false)]);
        let closed = [moved(1, Category::New), moved(2, Category::Closed)];
        let merged_later = Occurrence { at: at(3), merged: Some(true), ..Occurrence::default() };
        let back = Occurrence { merged: Some(false), ..moved(4, Category::Closed) };
        let versions = closed.into_iter().chain([merged_later, back]);
        assert_eq!(spans(versions.collect()), [(1, Some(2), false)]);
    }

    #[test]
    fn the_first_reply_counts_and_whoever_has_it_closes_it() {
        let agents = [AgentId::EXAMPLE, AgentId(uuid::Uuid::from_u128(7))];
        let given =
            |second, to| Occurrence { at: at(second), assigned: Some(to), ..Occurrence::default() };
        let reply = |second| Occurrence { at: at(second), replied: true, ..Occurrence::default() };
        let history = History::of([
            Occurrence { assigned: Some(Some(agents[0])), ..moved(1, Category::New) },
            given(2, None),
            reply(3),
            given(4, Some(agents[1])),
            reply(5),
            moved(6, Category::Closed),
        ]);
        assert_eq!(history.responded_at, Some(at(3)));
        assert_eq!(history.assignments, [(agents[0], at(1)), (agents[1], at(4))]);
        assert_eq!(history.cycles[0].agent_id, Some(agents[1]));
    }

    #[test]
    fn time_does_not_run_back() {
        let versions = vec![moved(5, Category::New), moved(4, Category::Closed)];
        assert_eq!(spans(versions), [(5, Some(5), false)]);
    }
}
