//! Show surveys to those who answer them, and to the desk.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::NOT_FOUND;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, SurveyId, TicketId};
use crate::people::{self, Contact};
use crate::surveys::rules::SurveyState;
use crate::surveys::store::{self, Filter, Survey};
use crate::tickets::{Ticket, service as tickets};

impl Survey {
    pub fn state(&self, now: DateTime<Utc>) -> SurveyState {
        match self.rating {
            Some(_) => SurveyState::Answered,
            None if self.is_over(now) => SurveyState::Expired,
            None => SurveyState::Open,
        }
    }

    /// It can be answered no more, and no answer can be changed.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }
}

/// What the page of a survey shows.
#[derive(Debug)]
pub struct Shown {
    pub survey: Survey,
    /// As it is now: what was redacted is not shown.
    pub ticket: Ticket,
    pub contact: Contact,
    /// The time is over, or the ticket was deleted.
    pub over: bool,
}

/// The survey of a link; whoever has the link may see it.
pub fn show(conn: &mut PgConnection, id: SurveyId, now: DateTime<Utc>) -> Result<Shown, AppError> {
    let survey = store::find(conn, id)?.ok_or(NOT_FOUND)?;
    shown(conn, survey, now)
}

pub(super) fn shown(
    conn: &mut PgConnection,
    survey: Survey,
    now: DateTime<Utc>,
) -> Result<Shown, AppError> {
    let ticket = tickets::get(conn, &Actor::system(), survey.ticket_id)?.row;
    let contact = people::get_contact(conn, survey.contact_id)?;
    let over = survey.is_over(now) || ticket.deleted_at.is_some();
    Ok(Shown { survey, ticket, contact, over })
}

/// What the contact of a ticket was last asked about it, for whoever sees the ticket.
pub fn of_ticket(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
) -> Result<Survey, AppError> {
    tickets::get(conn, actor, ticket)?;
    store::latest(conn, ticket)?.ok_or(NOT_FOUND)
}

/// A page of surveys about tickets that the caller sees, latest first, for who works tickets.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Survey>, AppError> {
    actor.require(Permission::TicketsRead)?;
    actor.require(Permission::TicketsWork)?;
    let rows = store::list(conn, actor, filter, page)?;
    Ok(page.page(rows, |survey| (Value::Null, survey.id.0)))
}
