//! A workflow as it is defined, before it has ids.
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Requirement, Status, Transition, Trigger, Workflow};
use crate::kernel::{AppError, TransitionId, WorkflowId};

/// A workflow to be: what is posted to make one, and what the seed data holds.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "field_service", "name": "Field service", "draft_status": "draft", "submitted_status": "new",
    "reopen_window_days": 30,
    "statuses": [
        {"code": "draft", "key": "DRAFT", "name": "Draft", "category": "draft", "sla": "not_started",
         "awaiting": "customer", "customer_label": "Draft", "sort_order": 10},
        {"code": "new", "key": "NEW", "name": "New", "category": "new", "sla": "running",
         "awaiting": "desk", "customer_label": "Received", "sort_order": 20},
        {"code": "done", "key": "DONE", "name": "Done", "category": "closed", "sla": "stopped",
         "awaiting": "nobody", "customer_label": "Done", "sort_order": 30}
    ],
    "transitions": [
        {"from": "draft", "to": "new", "trigger": "submit"},
        {"from": "new", "to": "done", "trigger": "agent", "requires": ["resolution"]},
        {"from": "done", "to": "new", "trigger": "customer_reply", "within_days": 30}
    ]
}))]
pub struct NewWorkflow {
    /// Given by the service.
    #[garde(skip)]
    #[serde(skip, default = "WorkflowId::new")]
    pub id: WorkflowId,
    /// A readable name for programs; never changes.
    #[garde(length(chars, min = 1, max = 60), pattern("^[A-Za-z0-9_-]+$"))]
    #[schema(example = "field_service")]
    pub key: String,
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Field service")]
    pub name: String,
    /// Where a draft starts; of category `draft`.
    #[garde(skip)]
    #[schema(example = "draft")]
    pub draft_status: String,
    /// Where a submitted ticket enters; neither `draft` nor `closed`.
    #[garde(skip)]
    #[schema(example = "new")]
    pub submitted_status: String,
    /// Days after its closing in which a ticket can be reopened.
    #[garde(range(min = 1, max = 3650))]
    #[schema(example = 30)]
    pub reopen_window_days: i32,
    #[garde(length(min = 1, max = 100), dive)]
    pub statuses: Vec<Status>,
    #[garde(length(min = 1, max = 1000), dive)]
    pub transitions: Vec<NewTransition>,
}

/// A transition as it is defined.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "031", "to": "035", "trigger": "agent", "requires": ["public_note"]}))]
pub struct NewTransition {
    /// The service gives it; taken, so that what was read can be sent back.
    #[serde(default)]
    #[garde(skip)]
    pub id: Option<TransitionId>,
    #[garde(skip)]
    #[schema(example = "open")]
    pub from: String,
    #[garde(skip)]
    #[schema(example = "closed")]
    pub to: String,
    #[garde(skip)]
    pub trigger: Trigger,
    /// What must be given for it to happen; nothing when absent.
    #[serde(default)]
    #[garde(skip)]
    pub requires: Vec<Requirement>,
    /// What else happens, by name; nothing when absent.
    #[serde(default)]
    #[garde(length(max = 20), inner(length(chars, min = 1, max = 60)))]
    #[schema(example = json!([]))]
    pub effects: Vec<String>,
    /// Days after the last closing in which it is possible; only out of a closed status.
    #[garde(range(min = 1, max = 3650))]
    pub within_days: Option<i32>,
    /// Days without the customer's reply after which it happens; with the trigger `no_feedback`, and required there.
    #[garde(range(min = 1, max = 3650))]
    pub after_days: Option<i32>,
    /// Days without the customer's reply after which the customer is reminded; fewer than `after_days`.
    #[garde(range(min = 1, max = 3650))]
    pub reminder_after_days: Option<i32>,
}

/// A workflow as it is to become. It can be what was read, changed where it should differ.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowDefinition {
    /// As read; it cannot change.
    #[garde(skip)]
    #[schema(read_only)]
    pub id: Option<WorkflowId>,
    /// As read; it cannot change.
    #[garde(skip)]
    #[schema(read_only, example = "consultancy")]
    pub key: Option<String>,
    /// As read; every change gives a new one.
    #[garde(skip)]
    #[schema(read_only)]
    pub revision: Option<Uuid>,
    /// As read; `If-Match` is what counts.
    #[garde(skip)]
    #[schema(read_only, example = 1)]
    pub version: Option<i32>,
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Consultancy")]
    pub name: String,
    /// Where a draft starts; of category `draft`.
    #[garde(skip)]
    #[schema(example = "005")]
    pub draft_status: String,
    /// Where a submitted ticket enters; neither `draft` nor `closed`.
    #[garde(skip)]
    #[schema(example = "010")]
    pub submitted_status: String,
    /// Days after its closing in which a ticket can be reopened.
    #[garde(range(min = 1, max = 3650))]
    #[schema(example = 30)]
    pub reopen_window_days: i32,
    /// All statuses; one that is absent goes, which is refused while tickets have it.
    #[garde(length(min = 1, max = 100), dive)]
    pub statuses: Vec<Status>,
    /// All transitions; one that is absent goes.
    #[garde(length(min = 1, max = 1000), dive)]
    pub transitions: Vec<NewTransition>,
}

impl WorkflowDefinition {
    /// Makes `workflow` what this defines. A transition between the same statuses by the same trigger keeps its id.
    pub fn apply(self, workflow: &mut Workflow) -> Result<(), AppError> {
        if self.id.is_some_and(|id| id != workflow.id) {
            return Err(AppError::field("/id", "this is another workflow"));
        }
        if self.key.is_some_and(|key| key != workflow.key) {
            return Err(AppError::field("/key", "the key of a workflow never changes"));
        }
        let former = std::mem::take(&mut workflow.transitions);
        let same = |t: &Transition, new: &Transition| {
            (&t.from, &t.to, t.trigger) == (&new.from, &new.to, new.trigger)
        };
        let transitions = self.transitions.into_iter().map(|new| {
            let new = new.into_transition();
            let id = former.iter().find(|t| same(t, &new)).map_or(new.id, |t| t.id);
            Transition { id, ..new }
        });
        workflow.transitions = transitions.collect();
        workflow.name = self.name;
        workflow.draft_status = self.draft_status;
        workflow.submitted_status = self.submitted_status;
        workflow.reopen_window_days = self.reopen_window_days;
        workflow.statuses = self.statuses;
        Ok(())
    }
}

impl NewWorkflow {
    /// The workflow that this defines.
    pub fn into_workflow(self) -> Workflow {
        Workflow {
            id: self.id,
            key: self.key,
            name: self.name,
            revision: Uuid::now_v7(),
            version: 1,
            draft_status: self.draft_status,
            submitted_status: self.submitted_status,
            reopen_window_days: self.reopen_window_days,
            statuses: self.statuses,
            transitions: self.transitions.into_iter().map(NewTransition::into_transition).collect(),
        }
    }
}

impl NewTransition {
    /// The transition that this defines, with a fresh id.
    pub fn into_transition(self) -> Transition {
        Transition {
            id: TransitionId::new(),
            from: self.from,
            to: self.to,
            trigger: self.trigger,
            requires: self.requires,
            effects: self.effects,
            within_days: self.within_days,
            after_days: self.after_days,
            reminder_after_days: self.reminder_after_days,
        }
    }
}
