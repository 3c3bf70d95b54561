//! Change a ticket's fields; submit a draft.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::store::Ticket;
use super::open::{check, check_own, enter_desk, named};
use super::transition::reassign;
use super::{Held, InWorkflow, Told, elevate, hold, process};
use crate::assignment::{self, Previous};
use crate::events::EventType;
use crate::http::{IfMatch, set};
use crate::kernel::{
    AccountId, Actor, AppError, CategoryId, ComponentId, ContactId, FieldError, Permission,
    Priority, ProductId, SlaPolicyId, TicketId,
};
use crate::routing::{self, Route};
use crate::triage;
use crate::workflow::{self, Category, Trigger};

/// What to change; a field that is `None` stays. In the double options, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub priority: Option<Priority>,
    /// Gives the priority back to the matrix of triage.
    pub priority_by_matrix: bool,
    pub type_key: Option<String>,
    pub component_id: Option<Option<ComponentId>>,
    pub category_id: Option<Option<CategoryId>>,
    pub url: Option<Option<String>>,
    pub deadline: Option<Option<DateTime<Utc>>>,
    pub tags: Option<Vec<String>>,
    pub vendor_reference: Option<Option<String>>,
    /// For the desk to say.
    pub sla_policy_id: Option<Option<SlaPolicyId>>,
    pub contact_id: Option<Option<ContactId>>,
    // These only while the ticket is a draft: afterwards they never change, or change by transfer.
    pub subject: Option<String>,
    pub description: Option<String>,
    pub account_id: Option<Option<AccountId>>,
    pub product_id: Option<Option<ProductId>>,
}

/// Changes fields. The originals of a submitted ticket are refused, as is what belongs to a named operation.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    change: Change,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let mut held = hold(conn, actor, id, seen)?;
    let draft = held.ticket.category == Category::Draft;
    actor.require(if draft { Permission::TicketsWrite } else { Permission::TicketsWork })?;
    if !draft {
        refuse_originals(&change)?;
    }
    if change.sla_policy_id.is_some() {
        actor.require(Permission::TicketsWork)?;
    }
    // What a customer asks for is a wish.
    held.ticket.priority_manual |= change.priority.is_some() && !actor.is_contact();
    if change.priority_by_matrix {
        give_to_matrix(conn, &mut held.ticket)?;
    }
    apply(&mut held.ticket, change);
    if held.ticket == held.before {
        return Ok(held.unchanged());
    }
    check_own(actor, &held.ticket)?;
    // A draft is checked as a whole when it is submitted.
    if !draft {
        check_if_moved(conn, &held)?;
    }
    let mut data = json!({});
    let (before, after) = (&held.before, &held.ticket);
    // A type can have a workflow of its own; a submitted ticket keeps the one that it is in.
    let moved = draft && after.type_key != before.type_key;
    if moved || after.component_id != before.component_id {
        data = reroute(conn, actor, &mut held, now)?;
    }
    let told = Told { kind: EventType::TicketChanged, public: true, data };
    held.save(conn, actor, told, now).map_err(in_words)
}

/// To where the component belongs, which is recorded; a ticket that somebody works on goes to an agent who works there.
/// Returns what the event says about it.
fn reroute(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<Value, AppError> {
    let route = lead(conn, held)?;
    if held.ticket.category == Category::Draft {
        return Ok(json!({}));
    }
    elevate::record_rerouting(conn, actor, held, &route, now)?;
    process::follow(conn, &held.ticket, route.process.as_ref(), now)?;
    let before = (held.before.department_id, held.before.level);
    if held.ticket.category.is_open() && before != (route.department_id, route.level) {
        reassign(conn, actor, held, now)?;
    }
    let process = route.process.map(|process| process.key);
    Ok(json!({ "routed": route.explanation, "process": process }))
}

/// Puts the ticket where its component leads now.
fn lead(conn: &mut PgConnection, held: &mut Held) -> Result<Route, AppError> {
    let route = routing::resolve(conn, held.ticket.component_id, &held.ticket.type_key)?;
    if route.workflow_id != held.ticket.workflow_id {
        if held.ticket.category != Category::Draft {
            let detail = "the component belongs to a department with another workflow";
            return Err(AppError::field("/component_id", detail));
        }
        held.workflow = workflow::load(conn, route.workflow_id, route.workflow_revision)?;
        held.ticket.workflow_id = route.workflow_id;
        held.ticket.status.clone_from(&held.workflow.draft_status);
    }
    (held.ticket.department_id, held.ticket.level) = (route.department_id, route.level);
    held.ticket.routing_version = Some(route.version);
    Ok(route)
}

/// What the matrix says, once triage has found severity and impact.
fn give_to_matrix(conn: &mut PgConnection, ticket: &mut Ticket) -> Result<(), AppError> {
    ticket.priority_manual = false;
    if let Some((severity, impact)) = ticket.severity.zip(ticket.impact) {
        ticket.priority = triage::matrix(conn)?.priorities.priority(severity, impact);
    }
    Ok(())
}

/// What a change of the parties must leave: a ticket that is complete, with parties that fit.
pub(super) fn check_if_moved(conn: &mut PgConnection, held: &Held) -> Result<(), AppError> {
    let parties =
        |t: &Ticket| (t.account_id, t.contact_id, t.product_id.is_some(), t.category_id.is_some());
    let (before, after) = (&held.before, &held.ticket);
    if parties(before) == parties(after) && before.product_id == after.product_id {
        return Ok(());
    }
    check(conn, after)
}

fn apply(ticket: &mut Ticket, change: Change) {
    set(&mut ticket.description, change.description);
    set(&mut ticket.subject, change.subject);
    set(&mut ticket.priority, change.priority);
    set(&mut ticket.type_key, change.type_key);
    set(&mut ticket.component_id, change.component_id);
    set(&mut ticket.category_id, change.category_id);
    set(&mut ticket.url, change.url);
    set(&mut ticket.deadline, change.deadline);
    set(&mut ticket.tags, change.tags);
    set(&mut ticket.vendor_reference, change.vendor_reference);
    set(&mut ticket.sla_policy_id, change.sla_policy_id);
    set(&mut ticket.contact_id, change.contact_id);
    set(&mut ticket.account_id, change.account_id);
    set(&mut ticket.product_id, change.product_id);
}

fn refuse_originals(change: &Change) -> Result<(), AppError> {
    let never = "the original never changes; add a note";
    let transfer = "this changes by a transfer";
    let given = [
        (change.subject.is_some(), "/subject", never),
        (change.description.is_some(), "/description", never),
        (change.account_id.is_some(), "/account_id", transfer),
        (change.product_id.is_some(), "/product_id", transfer),
    ];
    let errors: Vec<FieldError> = given
        .into_iter()
        .filter(|(given, ..)| *given)
        .map(|(_, pointer, detail)| FieldError::new(pointer, detail))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
}

/// A broken reference that only the database saw.
pub(super) fn in_words(error: AppError) -> AppError {
    match error {
        AppError::Internal(cause) => match cause.downcast::<diesel::result::Error>() {
            Ok(error) => named(error),
            Err(cause) => AppError::Internal(cause),
        },
        other => other,
    }
}

/// Submits a draft: validated as a whole, routed, given to somebody.
pub fn submit(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWrite)?;
    let mut held = hold(conn, actor, id, seen)?;
    if held.workflow.on(&held.ticket.status, Trigger::Submit, None, now).is_none() {
        return Err(AppError::conflict("already_submitted", "the ticket was submitted before"));
    }
    check(conn, &held.ticket)?;
    // The routing table may have changed since the draft was begun.
    let route = lead(conn, &mut held)?;
    if let Some(process) = &route.process {
        process::attach(conn, &held.ticket, process, now)?;
    }
    let decision = enter_desk(conn, &mut held.ticket, &held.workflow, now)?;
    let previous = Previous { ticket: id, agent: None };
    assignment::record(conn, actor, previous, &decision, None, now)?;
    let data = json!({ "number": held.ticket.number });
    let told = Told { kind: EventType::TicketSubmitted, public: true, data };
    held.save(conn, actor, told, now)
}
