//! Open a ticket: complete, or as a draft that is submitted later.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::{self, Source};
use super::super::store::{self, Summary, Ticket};
use super::assign::need;
use super::drafts::refuse_too_many;
use super::transition::go_on_if_assigned;
use super::{InWorkflow, process};
use crate::assignment::{self, Decision, Previous};
use crate::db::violated;
use crate::events::{self, EventType, NewEvent, Subject};
use crate::kernel::{
    AccountId, Actor, AppError, CategoryId, ComponentId, ContactId, FieldError, Origin, Permission,
    Priority, ProductId, TicketId,
};
use crate::workflow::{self, Workflow};
use crate::{people, routing};

/// What somebody opens a ticket with. A contact opens their own: their account and themselves are filled in.
#[derive(Debug, Clone)]
pub struct NewTicket {
    pub id: TicketId,
    pub subject: String,
    pub description: String,
    pub url: Option<String>,
    pub priority: Priority,
    pub type_key: String,
    pub account_id: Option<AccountId>,
    /// The contact on whose behalf an agent opens it.
    pub contact_id: Option<ContactId>,
    pub product_id: Option<ProductId>,
    pub category_id: Option<CategoryId>,
    pub component_id: Option<ComponentId>,
    pub deadline: Option<DateTime<Utc>>,
    pub source: Source,
    pub external_id: Option<String>,
    pub tags: Vec<String>,
    pub draft: bool,
}

/// Opens a ticket, routes it, and gives it to the least-loaded agent; a draft is neither routed nor given.
pub fn open(
    conn: &mut PgConnection,
    actor: &Actor,
    new: NewTicket,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWrite)?;
    let new = for_contact(actor, new);
    let route = routing::resolve(conn, new.component_id, &new.type_key)?;
    let workflow = workflow::load(conn, route.workflow_id, route.workflow_revision)?;
    let draft = new.draft;
    let mut ticket = ticket(actor, new, &workflow, now)?;
    (ticket.department_id, ticket.level) = (route.department_id, route.level);
    ticket.routing_version = Some(route.version);
    check_own(actor, &ticket)?;
    if draft {
        refuse_too_many(conn, actor)?;
        ticket.number = store::insert(conn, &ticket).map_err(named)?;
        return Ok(InWorkflow { row: ticket, workflow });
    }
    check(conn, &ticket)?;
    let decision = enter_desk(conn, &mut ticket, &workflow, now)?;
    let opened = insert(conn, actor, ticket, &workflow, &decision, now)?;
    if let Some(process) = &route.process {
        process::attach(conn, &opened.row, process, now)?;
    }
    Ok(opened)
}

/// Fills in what is clear when a contact opens a ticket: themselves, and their account when they have one only.
fn for_contact(actor: &Actor, mut new: NewTicket) -> NewTicket {
    let Some(contact) = actor.contact_id() else { return new };
    new.contact_id.get_or_insert(contact);
    new.source = if actor.origin == Origin::Mail { Source::Email } else { Source::Portal };
    if let [only] = actor.accounts.as_slice() {
        new.account_id.get_or_insert(*only);
    }
    new
}

/// A contact's ticket is theirs: they can name one of their accounts, and nobody else.
pub(super) fn check_own(actor: &Actor, ticket: &Ticket) -> Result<(), AppError> {
    let Some(contact) = actor.contact_id() else { return Ok(()) };
    if ticket.contact_id != Some(contact) {
        return Err(AppError::field("/contact_id", "a contact opens tickets for themselves only"));
    }
    if ticket.account_id.is_some_and(|account| !actor.accounts.contains(&account)) {
        return Err(AppError::field("/account_id", "there is no such active account"));
    }
    Ok(())
}

fn ticket(
    actor: &Actor,
    new: NewTicket,
    workflow: &Workflow,
    now: DateTime<Utc>,
) -> Result<Ticket, AppError> {
    let missing =
        || AppError::Internal(anyhow::anyhow!("workflow {} lacks its draft status", workflow.key));
    let status = workflow.status(&workflow.draft_status).ok_or_else(missing)?;
    Ok(Ticket {
        summary: Summary {
            id: new.id,
            number: 0,
            workflow_id: workflow.id,
            status: status.code.clone(),
            category: status.category,
            subject: new.subject,
            url: new.url,
            priority: new.priority,
            // What a customer or their program asks for is a wish; what somebody of the desk chose is kept.
            priority_manual: actor.agent_id().is_some() && new.priority != Priority::default(),
            severity: None,
            impact: None,
            type_key: new.type_key,
            account_id: new.account_id,
            contact_id: new.contact_id,
            product_id: new.product_id,
            category_id: new.category_id,
            component_id: new.component_id,
            // The route decides these two.
            department_id: crate::kernel::DepartmentId(uuid::Uuid::nil()),
            level: crate::kernel::Level::L1,
            assignee_id: None,
            handed_over_by: None,
            deadline: new.deadline,
            sla_policy_id: None,
            outlook: None,
            source: new.source,
            external_id: new.external_id,
            tags: new.tags,
            opened_by: actor.id,
            opened_by_role: actor.role,
            vendor_reference: None,
            merged_into: None,
            routing_version: None,
            merged_count: 0,
            note_count: 0,
            reopen_count: 0,
            submitted_at: None,
            closed_at: None,
            deleted_at: None,
            automatic_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        },
        description: new.description,
        resolution: None,
        silence: Default::default(),
    })
}

/// Everything that a submitted ticket must be; names each field that is not.
pub(super) fn check(conn: &mut PgConnection, ticket: &Ticket) -> Result<(), AppError> {
    let errors = incomplete(conn, ticket)?;
    if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
}

/// Each field that keeps the ticket from being submitted.
pub(super) fn incomplete(
    conn: &mut PgConnection,
    ticket: &Ticket,
) -> Result<Vec<FieldError>, AppError> {
    let mut errors = rules::missing_fields(ticket);
    errors.extend(check_parties(conn, ticket)?);
    Ok(errors)
}

/// The account has the product, and the contact belongs to the account.
pub(super) fn check_parties(
    conn: &mut PgConnection,
    ticket: &Ticket,
) -> Result<Vec<FieldError>, AppError> {
    let Some(account) = ticket.account_id else { return Ok(Vec::new()) };
    let parties = people::check_parties(conn, account, ticket.contact_id, ticket.product_id)?;
    Ok(parties.errors())
}

/// Submitted: enters the workflow and is given to somebody.
pub(super) fn enter_desk(
    conn: &mut PgConnection,
    ticket: &mut Ticket,
    workflow: &Workflow,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let missing =
        || AppError::Internal(anyhow::anyhow!("workflow {} lacks its first status", workflow.key));
    let status = workflow.status(&workflow.submitted_status).ok_or_else(missing)?;
    rules::enter(ticket, workflow, status, now);
    ticket.submitted_at = Some(now);
    let decision = assignment::pick(conn, &need(ticket), now)?;
    ticket.assignee_id = decision.agent;
    go_on_if_assigned(ticket, workflow, now)?;
    Ok(decision)
}

fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    mut ticket: Ticket,
    workflow: &Arc<Workflow>,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    ticket.number = store::insert(conn, &ticket).map_err(named)?;
    let previous = Previous { ticket: ticket.id, agent: None };
    assignment::record(conn, actor, previous, decision, None, now)?;
    let event = NewEvent {
        kind: EventType::TicketOpened,
        subject: Subject::Ticket(ticket.id, ticket.version),
        public: true,
        changes: events::diff(&json!({}), &json!(ticket)),
        data: json!({ "number": ticket.number }),
        occurred_at: now,
    };
    events::append(conn, actor, event)?;
    Ok(InWorkflow { row: ticket, workflow: Arc::clone(workflow) })
}

/// The constraint that a reference broke, as the field that is wrong.
pub(super) fn named(error: diesel::result::Error) -> AppError {
    let (pointer, detail) = match violated(&error) {
        Some("tickets_source_external_id_key") => {
            let detail = "a ticket with this source and external_id exists already";
            return AppError::conflict("external_id_taken", detail);
        }
        Some("tickets_type_key_fkey") => ("/type", "there is no such ticket type"),
        Some("tickets_category_id_fkey") => ("/category_id", "there is no such category"),
        Some("tickets_product_id_fkey") => ("/product_id", "there is no such product"),
        Some("tickets_account_id_fkey") => ("/account_id", "there is no such account"),
        Some("tickets_contact_id_fkey") => ("/contact_id", "there is no such contact"),
        Some("tickets_component_id_fkey") => ("/component_id", "there is no such component"),
        Some("tickets_sla_policy_id_fkey") => ("/sla_policy_id", "there is no such policy"),
        Some("tickets_assignee_id_fkey") => ("/agent_id", "there is no such agent"),
        _ => return error.into(),
    };
    AppError::field(pointer, detail)
}
