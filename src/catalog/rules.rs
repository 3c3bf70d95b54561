//! What the steps of a process are. Pure.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::text_enum;

text_enum! {
    /// How the service can tell that a step of a process was done.
    StepCheck {
        /// A side conversation with somebody outside was opened from the ticket.
        SideConversation = "side_conversation",
        /// A side conversation has the customer's details and the request.
        SideConversationHasTicketSummary = "side_conversation_has_ticket_summary",
        /// The customer was told something since the ticket was routed.
        PublicNote = "public_note",
        /// The customer was given the name and the e-mail address of their account manager.
        PublicNoteNamesAccountManager = "public_note_names_account_manager",
        /// A macro was applied; as the last step, one that closes the ticket, such as 'Close ticket and Survey'.
        MacroApplied = "macro_applied",
        /// Only the person who did it can tell.
        Person = "person",
    }
}

/// A step of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessStep {
    /// 1, 2, 3 ... in the order in which they are done.
    #[schema(example = 1)]
    pub step: i32,
    /// What is to be done.
    #[serde(rename = "do")]
    #[schema(example = "tell the customer that the request goes to their account manager")]
    pub task: String,
    #[schema(example = "public_note")]
    pub check: StepCheck,
}

/// Steps with their numbers, in the order in which they are given.
pub fn numbered(steps: impl IntoIterator<Item = (String, StepCheck)>) -> Vec<ProcessStep> {
    (1..).zip(steps).map(|(step, (task, check))| ProcessStep { step, task, check }).collect()
}
