//! What every workflow must fulfil, however it is changed.
use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Category, Status, Transition, Trigger, Workflow};
use crate::kernel::AppError;

/// A workflow is read whole, so it is bounded.
const STATUSES_MAX: usize = 100;
const TRANSITIONS_MAX: usize = 1000;

/// Why a change of a workflow would be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WorkflowProblem)]
pub struct Problem {
    /// As in a problem document.
    #[schema(example = "trap_status")]
    pub code: String,
    #[schema(example = "a ticket in status 032 could never be closed")]
    pub detail: String,
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self { code: error.code().to_owned(), detail: error.to_string() }
    }
}

impl Workflow {
    /// Refuses a workflow in which tickets would get stuck, or which says two things at once. `before` is what it
    /// was: a ticket may be in any of its statuses, so a status that had a way to be closed must keep one.
    pub fn check(&self, before: Option<&Self>) -> Result<(), AppError> {
        self.checks(before).find_map(Result::err).map_or(Ok(()), Err)
    }

    /// Everything for which [`Workflow::check`] would refuse it.
    pub fn problems(&self, before: Option<&Self>) -> Vec<Problem> {
        self.checks(before).filter_map(Result::err).map(Problem::from).collect()
    }

    fn checks(&self, before: Option<&Self>) -> impl Iterator<Item = Result<(), AppError>> {
        let whole = [self.check_size(), self.check_codes(), self.check_entries()];
        let ways = self.transitions.iter().map(|transition| self.check_transition(transition));
        let more = [self.check_triggers(), self.check_traps(before)];
        whole.into_iter().chain(ways).chain(more)
    }

    fn check_size(&self) -> Result<(), AppError> {
        if self.statuses.len() > STATUSES_MAX || self.transitions.len() > TRANSITIONS_MAX {
            let detail = format!(
                "a workflow has at most {STATUSES_MAX} statuses and {TRANSITIONS_MAX} transitions"
            );
            return Err(AppError::rule("workflow_too_large", detail));
        }
        Ok(())
    }

    fn check_codes(&self) -> Result<(), AppError> {
        let mut seen = HashSet::new();
        match self.statuses.iter().find(|status| !seen.insert(&status.code)) {
            Some(Status { code, .. }) => {
                let detail = format!("status {code} is there more than once");
                Err(AppError::rule("duplicate_status", detail))
            }
            None => Ok(()),
        }
    }

    fn check_entries(&self) -> Result<(), AppError> {
        let category = |code: &str| self.status(code).map(|status| status.category);
        if category(&self.draft_status) != Some(Category::Draft) {
            let detail = "draft_status must be a status of category draft";
            return Err(AppError::rule("bad_entry_status", detail));
        }
        if !category(&self.submitted_status).is_some_and(Category::is_open) {
            let detail = "submitted_status must be a status that is neither draft nor closed";
            return Err(AppError::rule("bad_entry_status", detail));
        }
        let submits = self.transitions.iter().any(|t| {
            t.trigger == Trigger::Submit
                && t.from == self.draft_status
                && t.to == self.submitted_status
        });
        if !submits {
            let detail =
                "the trigger submit must lead from the draft status to the submitted status";
            return Err(AppError::rule("bad_entry_status", detail));
        }
        Ok(())
    }

    fn check_transition(&self, transition: &Transition) -> Result<(), AppError> {
        let Transition { from, to, trigger, .. } = transition;
        let refuse = |code, detail: &str| {
            Err(AppError::rule(code, format!("transition {from} to {to} by {trigger}: {detail}")))
        };
        let (Some(source), Some(target)) = (self.status(from), self.status(to)) else {
            return refuse("unknown_status", "the workflow does not have both statuses");
        };
        if from == to {
            return refuse("bad_transition", "it leads nowhere");
        }
        if *trigger == Trigger::Assignment && target.category == Category::Closed {
            return refuse(
                "bad_transition",
                "nobody has worked on a ticket that is given to somebody",
            );
        }
        if transition.within_days.is_some() && source.category != Category::Closed {
            return refuse(
                "bad_transition",
                "within_days counts from the closing, so `from` must be closed",
            );
        }
        if transition.after_days.is_some() != (*trigger == Trigger::NoFeedback) {
            return refuse("bad_transition", "after_days and the trigger no_feedback go together");
        }
        if transition.reminder_after_days.is_some_and(|days| Some(days) >= transition.after_days) {
            return refuse("bad_transition", "the reminder must come before the transition itself");
        }
        Ok(())
    }

    /// What happens by itself must be unambiguous.
    fn check_triggers(&self) -> Result<(), AppError> {
        let mut seen = HashSet::new();
        for Transition { from, to, trigger, .. } in &self.transitions {
            let agent_target = (*trigger == Trigger::Agent).then_some(to);
            if !seen.insert((from, trigger, agent_target)) {
                let detail = format!("status {from} has more than one transition by {trigger}");
                return Err(AppError::rule("ambiguous_trigger", detail));
            }
        }
        Ok(())
    }

    fn check_traps(&self, before: Option<&Self>) -> Result<(), AppError> {
        let can_close = self.can_close();
        let could_close = before.map(Self::can_close).unwrap_or_default();
        let reachable = self.reachable();
        let trap = self.statuses.iter().map(|status| status.code.as_str()).find(|code| {
            !can_close.contains(code) && (reachable.contains(code) || could_close.contains(code))
        });
        match trap {
            Some(code) => {
                let detail = format!("a ticket in status {code} could never be closed");
                Err(AppError::rule("trap_status", detail))
            }
            None => Ok(()),
        }
    }

    /// The statuses that are closed or have a way to one that is.
    pub(super) fn can_close(&self) -> HashSet<&str> {
        let closed = self.statuses.iter().filter(|status| status.category == Category::Closed);
        let ways = |(from, to)| (to, from); // walked backwards
        spread(closed.map(|status| status.code.as_str()), &self.ways(ways))
    }

    /// The statuses that a ticket can get into.
    fn reachable(&self) -> HashSet<&str> {
        spread([self.draft_status.as_str()], &self.ways(|way| way))
    }

    fn ways<'a>(
        &'a self,
        turned: impl Fn((&'a str, &'a str)) -> (&'a str, &'a str),
    ) -> Vec<(&'a str, &'a str)> {
        self.transitions.iter().map(|t| turned((t.from.as_str(), t.to.as_str()))).collect()
    }
}

/// Everything that `ways` lead to from `start`, and `start` itself.
fn spread<'a>(
    start: impl IntoIterator<Item = &'a str>,
    ways: &[(&'a str, &'a str)],
) -> HashSet<&'a str> {
    let mut found: HashSet<&str> = start.into_iter().collect();
    let mut waiting: Vec<&str> = found.iter().copied().collect();
    while let Some(here) = waiting.pop() {
        for (_, next) in ways.iter().filter(|(from, _)| *from == here) {
            if found.insert(next) {
                waiting.push(next);
            }
        }
    }
    found
}
