//! Convert a ticket to something else.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::super::rules::{ConversionKind, Lead};
use super::super::store::{self, Conversion, Ticket};
use super::transition::{follow_status, move_to};
use super::{Held, InWorkflow, Told, get, hold};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, FieldError, Permission, TicketId};
use crate::people;
use crate::workflow::{Category, Trigger};

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

/// Makes a lead of the ticket, once: recorded here, written to the CRMs by the mirror. The ticket moves along its
/// workflow's transition for conversions, where there is one.
pub fn convert(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    new: NewLead,
    now: DateTime<Utc>,
) -> Result<(Conversion, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let mut held = hold(conn, actor, id, IfMatch(None))?;
    if held.ticket.category == Category::Draft {
        return Err(AppError::conflict("not_submitted", "a draft is converted to nothing"));
    }
    if store::conversion(conn, id)?.is_some() {
        return Err(AppError::conflict("already_converted", "the ticket is a lead already"));
    }
    let lead = lead(conn, &held.ticket, new)?;
    let conversion = Conversion {
        ticket_id: id,
        became: ConversionKind::Lead,
        lead: serde_json::to_value(lead).map_err(AppError::internal)?,
        converted_by: actor.id,
        converted_by_name: actor.name.clone(),
        converted_at: now,
    };
    store::insert_conversion(conn, &conversion)?;
    follow_conversion(conn, actor, &mut held, now)?;
    let data = json!({ "to": conversion.became, "lead": conversion.lead });
    let told = Told { kind: EventType::TicketConverted, public: false, data };
    Ok((conversion, held.save(conn, actor, told, now)?))
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
    let lead = |row: Conversion| Ok((row.ticket_id, serde_json::from_value(row.lead)?));
    let leads = store::conversions(conn, ids)?.into_iter().map(lead);
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

fn follow_conversion(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let ticket = &held.ticket;
    let way = held.workflow.on(&ticket.status, Trigger::Conversion, ticket.closed_at, now);
    let Some(to) = way.map(|transition| transition.to.clone()) else { return Ok(()) };
    let was_closed = held.ticket.category == Category::Closed;
    move_to(held, &to, now)?;
    if held.ticket.category == Category::Closed {
        held.ticket.resolution.get_or_insert_with(|| "Converted to a lead".to_owned());
    }
    follow_status(conn, actor, held, was_closed, now)
}
