//! Write time down, change it, take it back, add it up.
use chrono::{DateTime, NaiveDate, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::{clock_of, happening, require_own, told};
use crate::events::EventType;
use crate::http::{IfMatch, set};
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, Page, PageRequest, Permission, TicketId, TimeEntryId,
};
use crate::people;
use crate::tickets::Ticket;
use crate::tickets::service as tickets;
use crate::time_entries::rules::{Totals, check_day, day};
use crate::time_entries::store::{self, Filter, Named, Priced, TimeEntry};

const NOT_FOUND: AppError = AppError::NotFound("the time entry");

/// Time to be written down.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The caller when absent.
    pub agent_id: Option<AgentId>,
    pub minutes: i32,
    pub chargeable: bool,
    pub note: Option<String>,
    /// Today by the agent's clock when absent.
    pub work_date: Option<NaiveDate>,
}

/// Writes time down: on this ticket, or on the one at the end of its merges, whether it is closed or not.
pub fn log(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    new: NewEntry,
    now: DateTime<Utc>,
) -> Result<Priced, AppError> {
    actor.require(Permission::TicketsWork)?;
    let nobody = || AppError::field("/agent_id", "a program says whose time it is");
    let agent_id = new.agent_id.or(actor.agent_id()).ok_or_else(nobody)?;
    require_own(actor, agent_id)?;
    let work_date = work_date(conn, agent_id, new.work_date, now)?;
    let work = |conn: &mut PgConnection, ticket: &mut Ticket| {
        let entry = TimeEntry {
            id: TimeEntryId::new(),
            ticket_id: ticket.id,
            agent_id,
            minutes: new.minutes,
            chargeable: new.chargeable,
            note: new.note,
            work_date,
            capped: false,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        store::insert(conn, &entry)?;
        let told = happening(EventType::TimeLogged, told(&entry));
        Ok((entry.id, Some(told)))
    };
    let (id, _) = tickets::happen_in_conversation(conn, actor, ticket, now, work)?;
    get(conn, actor, id)
}

/// The day that was given, if it has begun by the agent's clock, or else today.
fn work_date(
    conn: &mut PgConnection,
    agent: AgentId,
    given: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<NaiveDate, AppError> {
    let zone = clock_of(conn, agent).map_err(|error| match error {
        AppError::NotFound(_) => AppError::field("/agent_id", "there is no such agent"),
        error => error,
    })?;
    let today = day(now, zone.0);
    let date = given.unwrap_or(today);
    check_day(date, today).map_err(|why| AppError::field("/work_date", why))?;
    Ok(date)
}

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub minutes: Option<i32>,
    pub chargeable: Option<bool>,
    pub note: Option<Option<String>>,
    pub work_date: Option<NaiveDate>,
}

pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TimeEntryId,
    seen: IfMatch,
    wanted: Change,
    now: DateTime<Utc>,
) -> Result<Priced, AppError> {
    let entry = own(conn, actor, id)?;
    if let Some(date) = wanted.work_date {
        work_date(conn, entry.agent_id, Some(date), now)?;
    }
    let work = |conn: &mut PgConnection, _: &mut Ticket| {
        let before = store::lock(conn, id)?.ok_or(NOT_FOUND)?;
        seen.check(before.version)?;
        let mut after = before.clone();
        set(&mut after.minutes, wanted.minutes);
        set(&mut after.chargeable, wanted.chargeable);
        set(&mut after.note, wanted.note);
        set(&mut after.work_date, wanted.work_date);
        if after == before {
            return Ok(((), None));
        }
        (after.version, after.updated_at) = (before.version + 1, now);
        store::save(conn, &after)?;
        let mut data = told(&after);
        data["before"] = told(&before);
        Ok(((), Some(happening(EventType::TimeChanged, data))))
    };
    tickets::happen_wherever(conn, actor, entry.ticket_id, now, work)?;
    get(conn, actor, id)
}

/// The event says what it was.
pub fn remove(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TimeEntryId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let entry = own(conn, actor, id)?;
    let work = |conn: &mut PgConnection, _: &mut Ticket| {
        let entry = store::lock(conn, id)?.ok_or(NOT_FOUND)?;
        seen.check(entry.version)?;
        store::delete(conn, id)?;
        Ok(((), Some(happening(EventType::TimeRemoved, told(&entry)))))
    };
    tickets::happen_wherever(conn, actor, entry.ticket_id, now, work)?;
    Ok(())
}

/// An entry that the caller sees and may change.
fn own(conn: &mut PgConnection, actor: &Actor, id: TimeEntryId) -> Result<TimeEntry, AppError> {
    let (entry, _) = get(conn, actor, id)?;
    require_own(actor, entry.agent_id)?;
    Ok(entry)
}

/// An entry on a ticket that the caller may see, or of their own.
pub fn get(conn: &mut PgConnection, actor: &Actor, id: TimeEntryId) -> Result<Priced, AppError> {
    actor.require(Permission::TicketsWork)?;
    store::find(conn, actor, id)?.ok_or(NOT_FOUND)
}

/// The filter with the tickets that were merged into the one that it names. Fails when the caller may not see that one.
pub fn within_conversation(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    ticket: Option<TicketId>,
) -> Result<Filter, AppError> {
    actor.require(Permission::TicketsWork)?;
    let Some(id) = ticket else { return Ok(filter.clone()) };
    let ticket = tickets::get(conn, actor, id)?.row;
    let together = tickets::conversation(conn, &ticket)?;
    Ok(Filter { tickets: Some(together), ..filter.clone() })
}

/// A page of entries, the latest day first.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Priced>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let day = |key: &Value| key.as_str().and_then(|day| day.parse().ok());
    let wrong = || AppError::Malformed("cursor is not valid".into());
    let from = page.cursor.as_ref().map(|cursor| {
        let id = TimeEntryId(cursor.id);
        day(&cursor.key).map(|day: NaiveDate| (day, id)).ok_or_else(wrong)
    });
    let rows = store::list(conn, actor, filter, page, from.transpose()?)?;
    Ok(page.page(rows, |(entry, _)| (json!(entry.work_date), entry.id.0)))
}

/// Up to `limit` entries behind one, in the order in which they were made.
pub fn rows_behind(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    after: Option<TimeEntryId>,
    limit: i64,
) -> Result<Vec<Named>, AppError> {
    actor.require(Permission::TicketsWork)?;
    Ok(store::behind(conn, actor, filter, after, limit)?)
}

/// What was worked on a ticket and on those that were merged into it.
pub fn of_ticket(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    filter: &Filter,
) -> Result<Totals, AppError> {
    let filter = within_conversation(conn, actor, filter, Some(id))?;
    Ok(Totals::of(store::alike(conn, actor, &filter)?))
}

/// What was worked for an account, as far as the caller sees it.
pub fn of_account(
    conn: &mut PgConnection,
    actor: &Actor,
    id: AccountId,
    filter: &Filter,
) -> Result<Totals, AppError> {
    actor.require(Permission::TicketsWork)?;
    people::get_account(conn, id)?;
    let filter = Filter { account: Some(id), ..filter.clone() };
    Ok(Totals::of(store::alike(conn, actor, &filter)?))
}
