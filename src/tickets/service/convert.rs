//! Convert a ticket to something else.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::rules::{
    ConversionKind, Lead, WorkOrder, WorkflowMove, enter, tell_work_order, tell_workflow,
};
use super::super::store::{self, Conversion, Ticket};
use super::transition::{about, follow_status, go_on_if_assigned, move_to, with, write_note};
use super::{Held, InWorkflow, Told, get, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AgentId, AppError, FieldError, Permission, TicketId, WorkflowId};
use crate::notes::{Channel, NewNote};
use crate::people;
use crate::workflow::{self, Category, Trigger};

/// The person to be written as a lead; what is `None` is taken from the ticket.
#[derive(Debug, Clone, Default)]
pub struct NewLead {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub company: Option<String>,
    pub description: Option<String>,
}

/// The work to be ordered; what is `None` is taken from the ticket.
#[derive(Debug, Clone, Default)]
pub struct NewWorkOrder {
    pub title: Option<String>,
    pub description: Option<String>,
    pub due_at: Option<DateTime<Utc>>,
    pub assignee_id: Option<AgentId>,
}

/// What a ticket shall become.
#[derive(Debug, Clone)]
pub enum Wanted {
    Lead(NewLead),
    Job(NewWorkOrder),
    Workflow(WorkflowId),
}

/// What a ticket shall become, and what somebody else calls that.
#[derive(Debug, Clone)]
pub struct Convert {
    pub to: Wanted,
    pub reference: Option<String>,
    /// Why the conversion may close the ticket although steps of its process are open.
    pub override_reason: Option<String>,
}

/// Converts the ticket, once. A lead is written to the CRMs by the mirror; a job and a workflow are told in an internal
/// note, which the mirror writes to the case. To another workflow the ticket goes over, and begins anew there; otherwise it
/// moves along its workflow's transition for conversions, where there is one.
pub fn convert(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    wanted: Convert,
    now: DateTime<Utc>,
) -> Result<(Conversion, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut held = hold(conn, actor, id, IfMatch(None))?;
    if held.is_draft() {
        return Err(AppError::conflict("not_submitted", "a draft is converted to nothing"));
    }
    if let Some(before) = store::conversion(conn, id)? {
        let detail = format!("the ticket became a {} before", before.became);
        return Err(AppError::conflict("already_converted", detail));
    }
    held.override_reason = wanted.override_reason;
    let reference = wanted.reference.as_deref();
    let (became, details, note) = match wanted.to {
        Wanted::Lead(new) => (ConversionKind::Lead, json(lead(conn, &held.ticket, new)?)?, None),
        Wanted::Job(new) => {
            let order = work_order(conn, &held.ticket, new)?;
            let note = tell_work_order(&order, reference);
            (ConversionKind::Job, json(order)?, Some(note))
        }
        Wanted::Workflow(to) => {
            let change = go_over(conn, &mut held, to, now)?;
            let note = tell_workflow(&change, reference);
            (ConversionKind::Workflow, json(change)?, Some(note))
        }
    };
    if became != ConversionKind::Workflow {
        follow_conversion(conn, actor, &mut held, became, now)?;
    }
    let conversion = Conversion {
        ticket_id: id,
        became,
        details,
        reference: wanted.reference,
        converted_by: actor.id,
        converted_by_name: actor.name.clone(),
        converted_at: now,
    };
    store::insert_conversion(conn, &conversion)?;
    let mut data = json!({ "to": became, became.as_str(): conversion.details });
    if let Some(body) = note {
        let note = NewNote::internal(Channel::Api, body);
        data = with(data, &about(&write_note(conn, actor, &mut held, note, now)?));
    }
    let told = Told { kind: EventType::TicketConverted, public: false, data };
    Ok((conversion, held.save(conn, actor, told, now)?))
}

fn json(value: impl Serialize) -> Result<Value, AppError> {
    serde_json::to_value(value).map_err(AppError::internal)
}

/// What the ticket became, for who works tickets.
pub fn conversion(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<Conversion, AppError> {
    actor.require(Permission::TicketsWork)?;
    get(conn, actor, id)?;
    store::conversion(conn, id)?.ok_or(AppError::NotFound("a conversion of this ticket"))
}

/// The lead that the ticket became, if it became one.
pub fn converted(conn: &mut PgConnection, id: TicketId) -> Result<Option<Lead>, AppError> {
    Ok(leads(conn, &[id])?.remove(&id))
}

/// The leads that those of these tickets became that did.
pub fn leads(
    conn: &mut PgConnection,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, Lead>, AppError> {
    let conversions = store::conversions(conn, ids)?.into_iter();
    let became_lead = conversions.filter(|row| row.became == ConversionKind::Lead);
    let leads = became_lead.map(|row| Ok((row.ticket_id, serde_json::from_value(row.details)?)));
    leads.collect::<Result<_, serde_json::Error>>().map_err(AppError::internal)
}

/// A person is known by a last name; the rest may be empty.
fn lead(conn: &mut PgConnection, ticket: &Ticket, new: NewLead) -> Result<Lead, AppError> {
    let contact = ticket.contact_id.map(|id| people::get_contact(conn, id)).transpose()?;
    let account = ticket.account_id.map(|id| people::get_account(conn, id)).transpose()?;
    let name = contact.as_ref().map(|contact| contact.name.trim()).unwrap_or_default();
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
    let of_contact = |own: Option<String>, theirs: &str| own.unwrap_or_else(|| theirs.to_owned());
    let last_name = of_contact(new.last_name, last);
    if last_name.is_empty() {
        let detail = "the ticket has no contact to take the name from";
        return Err(AppError::Invalid(vec![FieldError::new("/last_name", detail)]));
    }
    let text = format!("{}\n\n{}", ticket.subject, ticket.description.trim_end());
    Ok(Lead {
        first_name: of_contact(new.first_name, first),
        last_name,
        email: new.email.or_else(|| contact.as_ref().map(|c| c.email.clone())).unwrap_or_default(),
        phone: new.phone.or_else(|| contact?.phone).unwrap_or_default(),
        company: new.company.or_else(|| account.map(|a| a.name)).unwrap_or_default(),
        description: new.description.unwrap_or(text),
    })
}

fn work_order(
    conn: &mut PgConnection,
    ticket: &Ticket,
    new: NewWorkOrder,
) -> Result<WorkOrder, AppError> {
    let assignee = match new.assignee_id {
        Some(id) => {
            let missing = || AppError::field("/assignee_id", "there is no such active agent");
            Some(people::active_agent(conn, id)?.ok_or_else(missing)?.name)
        }
        None => None,
    };
    Ok(WorkOrder {
        title: new.title.unwrap_or_else(|| ticket.subject.clone()),
        description: new.description.unwrap_or_else(|| ticket.description.clone()),
        due_at: new.due_at.or(ticket.deadline),
        assignee_id: new.assignee_id,
        assignee,
    })
}

/// Into the status with which the other workflow begins; who has the ticket keeps it.
fn go_over(
    conn: &mut PgConnection,
    held: &mut Held,
    to: WorkflowId,
    now: DateTime<Utc>,
) -> Result<WorkflowMove, AppError> {
    if held.ticket.category == Category::Closed {
        return Err(AppError::conflict("ticket_closed", "reopen the ticket first"));
    }
    if to == held.ticket.workflow_id {
        return Err(AppError::field("/workflow_id", "the ticket is in this workflow already"));
    }
    let missing = |error| match error {
        AppError::NotFound(_) => AppError::field("/workflow_id", "there is no such workflow"),
        error => error,
    };
    let workflow = workflow::service::get(conn, to).map_err(missing)?;
    let lacks =
        || AppError::Internal(anyhow::anyhow!("workflow {} lacks its first status", workflow.key));
    let first = workflow.status(&workflow.submitted_status).ok_or_else(lacks)?;
    let change = WorkflowMove {
        workflow_id: to,
        workflow: workflow.name.clone(),
        from_workflow_id: held.workflow.id,
        from_workflow: held.workflow.name.clone(),
        from_status: held.ticket.status.clone(),
    };
    held.ticket.workflow_id = to;
    enter(&mut held.ticket, &workflow, first, now);
    go_on_if_assigned(&mut held.ticket, &workflow, now)?;
    held.workflow = std::sync::Arc::new(workflow);
    Ok(change)
}

fn follow_conversion(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    became: ConversionKind,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let ticket = &held.ticket;
    let way = held.workflow.on(&ticket.status, Trigger::Conversion, ticket.closed_at, now);
    let Some(to) = way.map(|transition| transition.to.clone()) else { return Ok(()) };
    let was_closed = held.ticket.category == Category::Closed;
    move_to(held, &to, now)?;
    if held.ticket.category == Category::Closed {
        held.ticket.resolution.get_or_insert_with(|| format!("Converted to a {became}"));
    }
    follow_status(conn, actor, held, was_closed, now)
}
