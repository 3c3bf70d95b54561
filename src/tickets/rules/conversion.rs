//! What a ticket can become beside being a ticket.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::{AgentId, WorkflowId, text_enum};

text_enum! {
    /// What a ticket can become.
    ConversionKind {
        /// Somebody who may buy.
        Lead = "lead",
        /// A work order.
        Job = "job",
        /// A ticket that goes on in another workflow of the desk.
        Workflow = "workflow",
    }
}

/// Somebody who may buy; what is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lead {
    #[schema(example = "Purchasing")]
    pub first_name: String,
    #[schema(example = "contact")]
    pub last_name: String,
    #[schema(example = "purchasing@customer.example")]
    pub email: String,
    #[schema(example = "+43 1 0000000")]
    pub phone: String,
    #[schema(example = "Northwind Services")]
    pub company: String,
    #[schema(example = "Asks for twenty more seats")]
    pub description: String,
}

/// Work that is ordered because of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkOrder {
    #[schema(example = "Replace the card reader")]
    pub title: String,
    #[schema(example = "The reader at the entrance fails after 100 cards.")]
    pub description: String,
    /// By when.
    pub due_at: Option<DateTime<Utc>>,
    pub assignee_id: Option<AgentId>,
    /// The assignee's name then.
    #[schema(example = "L2 agent A")]
    pub assignee: Option<String>,
}

/// From one workflow of the desk to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowMove {
    pub workflow_id: WorkflowId,
    #[schema(example = "Field service")]
    pub workflow: String,
    /// Where the ticket was.
    pub from_workflow_id: WorkflowId,
    #[schema(example = "Consultancy")]
    pub from_workflow: String,
    /// The status in which it left that workflow.
    #[schema(example = "030")]
    pub from_status: String,
}

/// The work order as a note that the desk and the CRM read.
pub fn tell_work_order(order: &WorkOrder, reference: Option<&str>) -> String {
    let due = order.due_at.map(|at| format!("Due: {}", at.format("%Y-%m-%d %H:%M UTC")));
    let who = order.assignee.as_ref().map(|name| format!("Assignee: {name}"));
    let lines = [Some(format!("Became a job: {}", order.title)), due, who, named(reference)];
    let head: Vec<String> = lines.into_iter().flatten().collect();
    format!("{}\n\n{}", head.join("\n"), order.description.trim_end())
}

/// The change of the workflow as a note.
pub fn tell_workflow(change: &WorkflowMove, reference: Option<&str>) -> String {
    let first = format!("Goes on in the workflow {}", change.workflow);
    let from = format!("Before: {} ({})", change.from_workflow, change.from_status);
    let lines = [Some(first), Some(from), named(reference)];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn named(reference: Option<&str>) -> Option<String> {
    reference.map(|reference| format!("Reference: {reference}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_order_is_told_with_what_is_known_of_it() {
        let order = WorkOrder {
            title: "Replace the reader".into(),
            description: "It fails.\n".into(),
            due_at: DateTime::from_timestamp(1_795_000_000, 0),
            assignee_id: None,
            assignee: Some("L2 agent A".into()),
        };
        assert_eq!(
            tell_work_order(&order, Some("WO-7")),
            "Became a job: Replace the reader\nDue: 2026-11-18 11:06 UTC\nAssignee: L2 agent A\nReference: WO-7\n\nIt fails."
        );
        let bare = WorkOrder { due_at: None, assignee: None, ..order };
        assert_eq!(tell_work_order(&bare, None), "Became a job: Replace the reader\n\nIt fails.");
    }
}
