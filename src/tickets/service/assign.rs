//! Assign, transfer.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::is_handover;
use super::super::store::{Summary, Ticket};
use super::change::{check_if_moved, in_words};
use super::transition::{about, go_on_if_assigned, write_note};
use super::{Held, InWorkflow, Told, get, hold};
use crate::assignment::{self, Choice, Decision, Need, Previous, Rule};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, CategoryId, ContactId, Origin, Permission, ProductId,
    Role, TicketId,
};
use crate::notes::NewNote;
use crate::workflow::{Category, Workflow};

/// What the ticket needs of an agent.
pub(super) fn need(ticket: &Summary) -> Need {
    Need {
        department: ticket.department_id,
        level: ticket.level,
        product: ticket.product_id,
        category: ticket.category_id,
        type_key: ticket.type_key.clone(),
        holder: ticket.assignee_id,
        counted: false,
        except: ticket.handed_over_by,
    }
}

/// The same for a ticket that is as it is stored, in its workflow: who has a ticket that is in hand-over does not get it back by itself.
fn need_in(ticket: &Summary, workflow: &Workflow) -> Need {
    let need = need(ticket);
    let holder = ticket.assignee_id.filter(|_| is_handover(workflow, &ticket.status));
    let counted = ticket.category.is_open() && ticket.deleted_at.is_none();
    Need { except: need.except.or(holder), counted, ..need }
}

/// Who shall have the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The least loaded.
    Automatic,
    /// Only if they are there and below their capacity.
    Agent(AgentId),
    /// Even if they are absent, full or not permitted; it needs a reason.
    Despite(AgentId),
    /// Nobody: back into the queue.
    Nobody,
}

/// Who shall have it, and why.
#[derive(Debug, Clone)]
pub struct Assign {
    pub to: Target,
    pub reason: Option<String>,
}

/// Gives the ticket to somebody. Whoever chooses an agent who is away or full must insist, and say why.
pub fn assign(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Assign,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut held = hold(conn, actor, id, seen)?;
    refuse_inactive(&held)?;
    give(conn, actor, &mut held, &wanted, now)?;
    go_on_if_assigned(&mut held.ticket, &held.workflow, now)?;
    if held.ticket == held.before {
        return Ok(held.unchanged());
    }
    let told = Told {
        kind: EventType::TicketAssigned,
        public: false,
        data: json!({ "reason": wanted.reason }),
    };
    held.save(conn, actor, told, now)
}

pub(super) fn refuse_inactive(held: &Held) -> Result<(), AppError> {
    if held.ticket.category == Category::Draft {
        return Err(AppError::conflict(
            "not_submitted",
            "a draft belongs to nobody but its author",
        ));
    }
    if held.ticket.category == Category::Closed {
        return Err(AppError::conflict(
            "ticket_closed",
            "a closed ticket is assigned when it is reopened",
        ));
    }
    Ok(())
}

/// Decides, records why, and sets the assignee; does nothing when it is the same as before.
pub(super) fn give(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    wanted: &Assign,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let previous = held.ticket.assignee_id;
    let need = need_in(&held.ticket, &held.workflow);
    let coordinates = actor.role != Role::Agent;
    let choice = |agent, insists| {
        let rule = chosen_by(actor, agent);
        Choice { agent, rule, coordinates, insists }
    };
    let decision = match wanted.to {
        Target::Agent(agent) | Target::Despite(agent) if previous == Some(agent) => return Ok(()),
        Target::Automatic => assignment::pick(conn, &need, now)?,
        Target::Nobody => assignment::to_nobody(),
        Target::Agent(agent) => assignment::appoint(conn, &need, choice(agent, false), now)?,
        Target::Despite(_) if wanted.reason.is_none() => {
            return Err(AppError::field("/reason", "an override needs a reason"));
        }
        Target::Despite(agent) => assignment::appoint(conn, &need, choice(agent, true), now)?,
    };
    if decision.agent == previous {
        return Ok(());
    }
    held.ticket.assignee_id = decision.agent;
    let about = Previous { ticket: held.ticket.id, agent: previous };
    assignment::record(conn, actor, about, &decision, wanted.reason.as_deref(), now)
}

fn chosen_by(actor: &Actor, agent: AgentId) -> Rule {
    match actor.origin {
        Origin::Crm => Rule::Crm,
        _ if actor.agent_id() == Some(agent) => Rule::Own,
        _ => Rule::Manual,
    }
}

/// Who would get the ticket now, or if it were handed over; changes nothing.
pub fn dry_run(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    handover: bool,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    actor.require(Permission::TicketsWork)?;
    let ticket = get(conn, actor, id)?;
    let mut need = need_in(&ticket.row, &ticket.workflow);
    if handover {
        need.except = need.except.or(need.holder);
    }
    assignment::preview(conn, &need, now)
}

/// To another agent, account, contact, product or category; `None` stays, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct Transfer {
    pub agent_id: Option<Option<AgentId>>,
    /// Why this agent although they are absent, full or not permitted.
    pub despite: Option<String>,
    pub account_id: Option<AccountId>,
    pub contact_id: Option<Option<ContactId>>,
    pub product_id: Option<Option<ProductId>>,
    pub category_id: Option<Option<CategoryId>>,
    pub note: Option<NewNote>,
}

/// Transfers in one operation with one event. To another account, the contact stays only if they belong to it too.
pub fn transfer(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Transfer,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut held = hold(conn, actor, id, seen)?;
    if held.ticket.category == Category::Draft {
        return Err(AppError::conflict("not_submitted", "a draft is changed, not transferred"));
    }
    let ticket = &mut held.ticket;
    ticket.account_id = wanted.account_id.or(ticket.account_id);
    ticket.contact_id = wanted.contact_id.unwrap_or(ticket.contact_id);
    ticket.product_id = wanted.product_id.unwrap_or(ticket.product_id);
    ticket.category_id = wanted.category_id.unwrap_or(ticket.category_id);
    if ticket.account_id != held.before.account_id && ticket.merged_count > 0 {
        let detail = "tickets of the present account were merged into this one";
        return Err(AppError::field("/account_id", detail));
    }
    check_if_moved(conn, &held)?;
    if let Some(agent) = wanted.agent_id {
        refuse_inactive(&held)?;
        let to = match (agent, &wanted.despite) {
            (None, _) => Target::Nobody,
            (Some(agent), None) => Target::Agent(agent),
            (Some(agent), Some(_)) => Target::Despite(agent),
        };
        let reason = wanted.despite.clone();
        give(conn, actor, &mut held, &Assign { to, reason }, now)?;
        go_on_if_assigned(&mut held.ticket, &held.workflow, now)?;
    }
    if held.ticket == held.before && wanted.note.is_none() {
        return Ok(held.unchanged());
    }
    let mut data = json!({});
    if let Some(note) = wanted.note {
        data = about(&write_note(conn, actor, &mut held, note, now)?);
    }
    let told = Told { kind: EventType::TicketTransferred, public: false, data };
    held.save(conn, actor, told, now).map_err(in_words)
}
