//! A workflow, and what it allows. Pure: the caller says what time it is.
mod closing;
mod definition;
mod plan;
mod soundness;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::definition::{NewTransition, NewWorkflow, WorkflowDefinition};
pub use self::plan::{Action, Plan, PlannedChange};
pub use self::soundness::Problem;
#[cfg(test)]
pub use self::tests::shipped_as;
use crate::kernel::{AppError, TransitionId, WorkflowId, text_enum};

text_enum! {
    /// What a status means to reports and to the load of agents.
    #[schema(as = StatusCategory)]
    Category {
        /// Not submitted; only its author sees it.
        Draft = "draft",
        New = "new",
        Open = "open",
        /// Waits for the customer.
        Pending = "pending",
        /// Waits for somebody outside.
        OnHold = "on_hold",
        Closed = "closed",
    }
}

impl Category {
    /// What counts as work to be done.
    pub const OPEN: [Self; 4] = [Self::New, Self::Open, Self::Pending, Self::OnHold];

    /// True when a ticket of this category is work to be done: it counts in its agent's load.
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }

    /// What a customer is told: that somebody outside works on it is the desk's own affair.
    pub fn for_customers(self) -> Self {
        if self == Self::OnHold { Self::Open } else { self }
    }
}

text_enum! {
    /// What causes a transition.
    Trigger {
        /// The author submits the draft.
        Submit = "submit",
        /// The service, as soon as the status is reached.
        Automatic = "automatic",
        /// Somebody of the desk asks for it.
        Agent = "agent",
        /// The customer replies.
        CustomerReply = "customer_reply",
        /// The ticket is assigned.
        Assignment = "assignment",
        /// The customer did not reply for `after_days`.
        NoFeedback = "no_feedback",
        /// The ticket is converted to something else.
        Conversion = "conversion",
    }
}

text_enum! {
    /// What must be given, or be on the ticket already, for a transition to happen.
    Requirement {
        PublicNote = "public_note",
        InternalNote = "internal_note",
        Resolution = "resolution",
        VendorReference = "vendor_reference",
    }
}

text_enum! {
    /// What the clocks of the service agreement do in a status.
    SlaState {
        NotStarted = "not_started",
        Running = "running",
        Paused = "paused",
        Stopped = "stopped",
    }
}

text_enum! {
    /// Whose turn it is in a status.
    Awaiting {
        Customer = "customer",
        Desk = "desk",
        ThirdLine = "third_line",
        Vendor = "vendor",
        Nobody = "nobody",
    }
}

impl Awaiting {
    /// What a customer is told: it is their turn, the desk's, or nobody's.
    pub fn for_customers(self) -> Self {
        match self {
            Self::ThirdLine | Self::Vendor => Self::Desk,
            other => other,
        }
    }
}

/// A status of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Short and unique in its workflow; never changes. Part of paths: letters, digits, `_` and `-`.
    #[garde(length(chars, min = 1, max = 30), pattern("^[A-Za-z0-9_-]+$"))]
    #[schema(example = "030")]
    pub code: String,
    /// A readable name for programs, unique in its workflow.
    #[garde(length(chars, min = 1, max = 60))]
    #[schema(example = "ANALYSIS")]
    pub key: String,
    /// What the desk calls it.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Problem analysis")]
    pub name: String,
    #[garde(skip)]
    pub category: Category,
    #[garde(skip)]
    pub sla: SlaState,
    #[garde(skip)]
    pub awaiting: Awaiting,
    /// What the customer sees.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Under investigation")]
    pub customer_label: String,
    /// Lists show statuses in this order.
    #[garde(skip)]
    #[schema(example = 100)]
    pub sort_order: i32,
}

/// A way from one status to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transition {
    pub id: TransitionId,
    #[schema(example = "030")]
    pub from: String,
    #[schema(example = "050")]
    pub to: String,
    pub trigger: Trigger,
    pub requires: Vec<Requirement>,
    /// What else happens, by name: `ask_contact_for_details`.
    #[schema(example = json!([]))]
    pub effects: Vec<String>,
    /// Days after the last closing in which it is possible; null: always.
    #[schema(example = 30)]
    pub within_days: Option<i32>,
    /// Days without the customer's reply after which it happens (`no_feedback`).
    #[schema(example = 14)]
    pub after_days: Option<i32>,
    /// Days without the customer's reply after which the customer is reminded.
    #[schema(example = 7)]
    pub reminder_after_days: Option<i32>,
}

impl Transition {
    fn window_is_over(&self, closed_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let Some(days) = self.within_days else { return false };
        // Without a closing there is nothing to be within of.
        closed_at.is_none_or(|closed_at| now > closed_at + TimeDelta::days(days.into()))
    }

    fn missing(&self, given: &[Requirement]) -> Vec<Requirement> {
        self.requires.iter().filter(|required| !given.contains(required)).copied().collect()
    }
}

/// A workflow, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Workflow {
    pub id: WorkflowId,
    #[schema(example = "consultancy")]
    pub key: String,
    #[schema(example = "Consultancy")]
    pub name: String,
    /// Renewed by every change of the workflow, its statuses or its transitions.
    pub revision: Uuid,
    pub version: i32,
    /// Where a draft starts.
    #[schema(example = "005")]
    pub draft_status: String,
    /// Where a submitted ticket enters.
    #[schema(example = "010")]
    pub submitted_status: String,
    /// Days after its closing in which a ticket can be reopened.
    #[schema(example = 30)]
    pub reopen_window_days: i32,
    pub statuses: Vec<Status>,
    pub transitions: Vec<Transition>,
}

/// Why a transition may not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The workflow has no such transition; it has these from here, by the same trigger.
    NotAllowed { allowed: Vec<Transition> },
    /// It was possible until some days after the last closing.
    WindowOver,
    /// Everything that has yet to be given.
    Missing(Vec<Requirement>),
}

impl Workflow {
    /// The status with this code.
    pub fn status(&self, code: &str) -> Option<&Status> {
        self.statuses.iter().find(|status| status.code == code)
    }

    /// The status with this code, to be changed.
    pub fn status_mut(&mut self, code: &str) -> Result<&mut Status, AppError> {
        let found = self.statuses.iter_mut().find(|status| status.code == code);
        found.ok_or(AppError::NotFound("the status"))
    }

    /// Fails with 409 when there is a status with this code.
    pub fn add_status(&mut self, status: Status) -> Result<(), AppError> {
        if self.status(&status.code).is_some() {
            let detail = format!("the workflow has a status {} already", status.code);
            return Err(AppError::conflict("already_exists", detail));
        }
        self.statuses.push(status);
        Ok(())
    }

    /// Takes the status away, with every way into it and out of it.
    pub fn remove_status(&mut self, code: &str) -> Result<(), AppError> {
        self.status_mut(code)?;
        self.statuses.retain(|status| status.code != code);
        self.transitions.retain(|way| way.from != code && way.to != code);
        Ok(())
    }

    /// Sets the window, and moves the transitions that were limited to the former one.
    pub fn set_reopen_window(&mut self, days: i32) {
        let former = Some(self.reopen_window_days);
        for transition in self.transitions.iter_mut().filter(|t| t.within_days == former) {
            transition.within_days = Some(days);
        }
        self.reopen_window_days = days;
    }

    /// What these triggers may do from `from` now, whatever it requires.
    pub fn allowed(
        &self,
        from: &str,
        triggers: &[Trigger],
        closed_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Vec<&Transition> {
        let possible = self.transitions.iter().filter(|transition| {
            transition.from == from
                && triggers.contains(&transition.trigger)
                && !transition.window_is_over(closed_at, now)
        });
        possible.collect()
    }

    /// The transition from `from` to `to` by `trigger`, when it is possible now and everything that it
    /// requires is `given`.
    pub fn decide(
        &self,
        from: &str,
        to: &str,
        trigger: Trigger,
        given: &[Requirement],
        closed_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<&Transition, Refusal> {
        let wanted =
            self.transitions.iter().find(|t| t.from == from && t.to == to && t.trigger == trigger);
        let Some(transition) = wanted else {
            let allowed = self.allowed(from, &[trigger], closed_at, now);
            return Err(Refusal::NotAllowed { allowed: allowed.into_iter().cloned().collect() });
        };
        if transition.window_is_over(closed_at, now) {
            return Err(Refusal::WindowOver);
        }
        let missing = transition.missing(given);
        if missing.is_empty() { Ok(transition) } else { Err(Refusal::Missing(missing)) }
    }

    /// The one transition that `trigger` causes by itself: a workflow has at most one from each status, except
    /// for [`Trigger::Agent`].
    pub fn on(
        &self,
        from: &str,
        trigger: Trigger,
        closed_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<&Transition> {
        self.allowed(from, &[trigger], closed_at, now).into_iter().next()
    }
}
