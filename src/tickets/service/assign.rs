//! Assign, transfer.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::store::{self, Summary, Ticket};
use super::change::{check_if_moved, in_words};
use super::transition::{about, go_on_if_assigned, write_note};
use super::{Held, InWorkflow, NOT_FOUND, Told, hold};
use crate::assignment::{self, Decision, Need, Previous, Rule};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, CategoryId, ContactId, Origin, Permission, ProductId,
    TicketId,
};
use crate::notes::NewNote;
use crate::people;
use crate::workflow::Category;

/// What the ticket needs of an agent.
pub(super) fn need(ticket: &Summary) -> Need {
    Need {
        department: ticket.department_id,
        level: ticket.level,
        product: ticket.product_id,
        category: ticket.category_id,
        type_key: ticket.type_key.clone(),
        holder: ticket.assignee_id,
    }
}

/// Who shall have the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The least loaded.
    Automatic,
    Agent(AgentId),
    /// Nobody: back into the queue.
    Nobody,
}

/// Who shall have it, and why.
#[derive(Debug, Clone)]
pub struct Assign {
    pub to: Target,
    pub reason: Option<String>,
}

/// Gives the ticket to somebody. A person may be given it although they are away or full: somebody decided so.
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
    let decision = match wanted.to {
        Target::Automatic => assignment::pick(conn, &need(&held.ticket), now)?,
        Target::Nobody => Decision { agent: None, rule: Rule::Manual, candidates: Vec::new() },
        Target::Agent(agent) => {
            people::require_active_agent(conn, agent, "/agent_id")?;
            Decision { agent: Some(agent), rule: chosen_by(actor, agent), candidates: Vec::new() }
        }
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

/// Who would get the ticket now; changes nothing.
pub fn dry_run(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    actor.require(Permission::TicketsWork)?;
    let ticket = store::find(conn, actor, id)?.ok_or(NOT_FOUND)?.row;
    assignment::preview(conn, &need(&ticket), now)
}

/// To another agent, account, contact, product or category; `None` stays, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct Transfer {
    pub agent_id: Option<Option<AgentId>>,
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
        let to = agent.map_or(Target::Nobody, Target::Agent);
        give(conn, actor, &mut held, &Assign { to, reason: None }, now)?;
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
