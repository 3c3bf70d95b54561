//! Pure rules of the ticket.
mod conversion;
mod links;
mod redaction;
mod silence;
mod tags;
mod wizard;
mod words;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::kernel::{Actor, AppError, FieldError, Permission, text_enum};
use crate::workflow::{Category, Refusal, Requirement, Status, Transition, Trigger, Workflow};

pub use self::links::{Relation, check_merge, merged_into};
use super::store::Ticket;

pub use self::conversion::{
    ConversionKind, Lead, WorkOrder, WorkflowMove, tell_work_order, tell_workflow,
};
pub use self::redaction::{Cut, RedactedField, Span, cut};
pub use self::silence::{Due, await_reply, due};
pub use self::tags::{TagCount, most_used, tagged};
pub use self::wizard::{Step, steps};
pub use self::words::{Piece, SEARCH_MAX, Words, ticket_number};

text_enum! {
    /// How a ticket came in.
    Source {
        Portal = "portal",
        Api = "api",
        Email = "email",
        Phone = "phone",
        Crm = "crm",
    }
}

text_enum! {
    /// How a ticket stands to its service levels: by the clocks that have not ended, and when all have, by those since it was opened
    /// the last time.
    SlaStanding {
        /// Nothing was promised.
        None = "none",
        /// Time passes, and nothing is late.
        Running = "running",
        /// No time passes, and nothing is late.
        Paused = "paused",
        /// All is over, and nothing was late.
        Met = "met",
        /// Something is late, or was.
        Breached = "breached",
    }
}

impl SlaStanding {
    /// As it is then, when something is due at that time.
    pub fn at(self, due: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        if due.is_some_and(|due| due < now) { Self::Breached } else { self }
    }
}

/// Characters of a subject at the most.
pub const SUBJECT_MAX: usize = 255;

/// What a complete ticket has; each that is missing is named.
pub fn missing_fields(ticket: &Ticket) -> Vec<FieldError> {
    let mut missing = Vec::new();
    let mut require = |present: bool, pointer: &str, detail: &str| {
        if !present {
            missing.push(FieldError::new(pointer, detail));
        }
    };
    require(!ticket.subject.trim().is_empty(), "/subject", "a subject is required");
    require(!ticket.description.trim().is_empty(), "/description", "a description is required");
    require(ticket.account_id.is_some(), "/account_id", "an account is required");
    let about = ticket.product_id.is_some() || ticket.category_id.is_some();
    require(about, "/product_id", "a product or a category is required");
    missing
}

/// The transitions that a caller may do, and the refusal of all others.
pub struct Actions;

impl Actions {
    /// The transitions that this caller may do now. A contact may close, and nothing else: replies do the rest.
    pub fn allowed<'w>(
        workflow: &'w Workflow,
        ticket: &Ticket,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Vec<&'w Transition> {
        if ticket.merged_into.is_some() {
            return Vec::new();
        }
        let possible = workflow.allowed(&ticket.status, &[Trigger::Agent], ticket.closed_at, now);
        let closes = |transition: &&Transition| {
            workflow
                .status(&transition.to)
                .is_some_and(|status| status.category == Category::Closed)
        };
        if actor.may(Permission::TicketsWork) {
            possible
        } else if actor.may(Permission::TicketsWrite) {
            possible.into_iter().filter(closes).collect()
        } else {
            Vec::new()
        }
    }
}

/// The refusal of a transition as a client can act on it.
pub fn refused(refusal: Refusal, to: &str, allowed: &[&Transition]) -> AppError {
    match refusal {
        Refusal::Missing(requirements) => {
            AppError::Invalid(requirements.into_iter().map(missing_requirement).collect())
        }
        Refusal::WindowOver => window_over(),
        Refusal::NotAllowed { .. } => not_allowed(to, allowed),
    }
}

/// There is no such way for this caller; tells those that there are.
pub fn not_allowed(to: &str, allowed: &[&Transition]) -> AppError {
    AppError::TransitionNotAllowed {
        detail: format!("the ticket cannot go to {to} from where it is"),
        allowed: allowed.iter().map(|t| json!({ "to": t.to, "requires": t.requires })).collect(),
    }
}

/// The ticket was closed too long ago.
pub fn window_over() -> AppError {
    let detail = "the ticket was closed too long ago to be reopened; open a new one";
    AppError::conflict("reopen_window_over", detail)
}

fn missing_requirement(requirement: Requirement) -> FieldError {
    match requirement {
        Requirement::PublicNote => FieldError::new("/note", "this transition needs a public note"),
        Requirement::InternalNote => {
            FieldError::new("/note", "this transition needs an internal note")
        }
        Requirement::Resolution => FieldError::new("/resolution", "closing needs a resolution"),
        Requirement::VendorReference => {
            FieldError::new("/vendor_reference", "this transition needs the vendor's reference")
        }
    }
}

/// True for a status that the one behind it leads back to: who is assigned sends the ticket there to be handed over, so
/// that it waits for another assignment.
pub fn is_handover(workflow: &Workflow, code: &str) -> bool {
    let leads = |from: &str, to: &str, trigger: Trigger| {
        workflow.transitions.iter().any(|t| t.from == from && t.to == to && t.trigger == trigger)
    };
    let behind = workflow.statuses.iter().filter(|s| leads(code, &s.code, Trigger::Assignment));
    behind.into_iter().any(|status| leads(&status.code, code, Trigger::Agent))
}

/// Puts the ticket into `status`, with everything that follows from that.
pub fn enter(ticket: &mut Ticket, workflow: &Workflow, status: &Status, now: DateTime<Utc>) {
    let was_closed = ticket.category == Category::Closed;
    ticket.status.clone_from(&status.code);
    ticket.category = status.category;
    if status.category == Category::Closed {
        // From closed to closed, as solved to closed, the window goes on from the first.
        ticket.closed_at.get_or_insert(now);
    } else if was_closed {
        ticket.closed_at = None;
        ticket.reopen_count += 1;
    }
    let automatic = workflow.on(&status.code, Trigger::Automatic, ticket.closed_at, now);
    ticket.automatic_at = automatic.map(|_| now);
    await_reply(ticket, workflow, now);
}
