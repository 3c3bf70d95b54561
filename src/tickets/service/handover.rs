//! Hand a ticket over to a successor.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::{is_handover, refused};
use super::super::store::Ticket;
use super::assign::{Assign, Target, give, refuse_inactive};
use super::transition::{about, go_on_if_assigned, move_to, write_note};
use super::{Held, InWorkflow, Told, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AgentId, AppError, Permission, TicketId};
use crate::notes::{Channel, NewNote};
use crate::workflow::{Requirement, Trigger};

/// As much of the note as the decision keeps.
const REASON_CHARS: usize = 1000;

/// Who takes the ticket over, and what they have to know.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// The least loaded other agent when absent.
    pub successor: Option<AgentId>,
    /// The successor gets it even if they are absent, full or not permitted.
    pub insists: bool,
    /// Becomes an internal note.
    pub note: String,
}

/// Hands the ticket over in one operation with one event: an internal note, another agent, and the way through the
/// workflow's status for it, where there is one. While no other agent can take it, the ticket waits in the queue.
pub fn hand_over(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: HandOver,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut held = hold(conn, actor, id, seen)?;
    refuse_inactive(&held)?;
    let Some(holder) = held.ticket.assignee_id else {
        let detail = "nobody has the ticket; assign it instead";
        return Err(AppError::conflict("not_assigned", detail));
    };
    let to = match wanted.successor {
        Some(agent) if agent == holder => {
            let detail = "a ticket is handed over to somebody else than who has it";
            return Err(AppError::field("/agent_id", detail));
        }
        Some(agent) if wanted.insists => Target::Despite(agent),
        Some(agent) => Target::Agent(agent),
        None => Target::Automatic,
    };
    enter_handover(&mut held, now)?;
    held.ticket.handed_over_by = Some(holder);
    let reason = Some(wanted.note.chars().take(REASON_CHARS).collect());
    give(conn, actor, &mut held, &Assign { to, reason }, now)?;
    go_on_if_assigned(&mut held.ticket, &held.workflow, now)?;
    let note = NewNote::internal(Channel::Api, wanted.note);
    let note = write_note(conn, actor, &mut held, note, now)?;
    let mut data = about(&note);
    data["handed_over_by"] = json!(holder);
    let told = Told { kind: EventType::TicketHandedOver, public: false, data };
    held.save(conn, actor, told, now)
}

/// Into the workflow's status for tickets that are handed over, if one leads there from here.
fn enter_handover(held: &mut Held, now: DateTime<Utc>) -> Result<(), AppError> {
    let ticket = &held.ticket;
    let ways = held.workflow.allowed(&ticket.status, &[Trigger::Agent], ticket.closed_at, now);
    let mut codes = ways.iter().map(|way| way.to.clone());
    let Some(code) = codes.find(|code| is_handover(&held.workflow, code)) else { return Ok(()) };
    let vendor = ticket.vendor_reference.is_some().then_some(Requirement::VendorReference);
    let given: Vec<_> = vendor.into_iter().chain([Requirement::InternalNote]).collect();
    held.workflow
        .decide(&ticket.status, &code, Trigger::Agent, &given, ticket.closed_at, now)
        .map_err(|refusal| refused(refusal, &code, &ways))?;
    move_to(held, &code, now)
}
