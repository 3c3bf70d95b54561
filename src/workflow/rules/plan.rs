//! What a change of a workflow would do.
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Problem;
use crate::kernel::text_enum;

text_enum! {
    /// What happens to a part of a workflow.
    Action {
        Added = "added",
        Removed = "removed",
        Changed = "changed",
    }
}

/// What a change would do, before it is made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Plan {
    /// The version of the workflow that it was made for.
    #[schema(example = 4)]
    pub version: i32,
    pub changes: Vec<PlannedChange>,
    /// Why it would be refused; empty when it would be made.
    pub problems: Vec<Problem>,
}

/// One part of a workflow that would differ.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct PlannedChange {
    /// A field of the workflow, `statuses/<code>` or `transitions/<id>`.
    #[schema(example = "statuses/032")]
    pub part: String,
    pub action: Action,
    /// What it is; null when it is added.
    #[schema(example = "In progress")]
    pub from: Value,
    /// What it would be; null when it is removed.
    #[schema(example = "Being worked on")]
    pub to: Value,
}

impl From<(String, Value)> for PlannedChange {
    /// From an entry of an event's `changes`.
    fn from((part, mut change): (String, Value)) -> Self {
        let (from, to) = (change["from"].take(), change["to"].take());
        let action = match (from.is_null(), to.is_null()) {
            (true, _) => Action::Added,
            (_, true) => Action::Removed,
            _ => Action::Changed,
        };
        Self { part, action, from, to }
    }
}
