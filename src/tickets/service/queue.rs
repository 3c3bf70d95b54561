//! The tickets that wait for somebody, and who would get one that is not there yet. A step gives out one ticket in one
//! transaction: it locks agents, and a second ticket's might be locked by somebody who waits for the first's.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::store::{self, Kind, Located, QueueFilter, Summary, Ticket, Urgency};
use super::assign::need;
use super::read::in_workflows;
use super::transition::go_on_if_assigned;
use super::{InWorkflow, Told, held};
use crate::assignment::{self, Decision, Need, Previous, Verdict};
use crate::events::EventType;
use crate::kernel::{
    AccountId, Actor, AppError, CategoryId, ComponentId, ContactId, Page, PageRequest, Permission,
    ProductId, TicketId,
};
use crate::people;
use crate::routing::{self, Route};

/// Gives a waiting ticket to an agent who can take it now, most urgent and oldest first; false when nobody can take any.
/// Tickets of one kind need the same of an agent, so the first of each kind stands for all of them: however many wait that
/// nobody may take, those behind them are found by as many steps as there are kinds.
pub fn assign_waiting(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let kinds = store::waiting_kinds(conn)?;
    if kinds.is_empty() {
        return Ok(false);
    }
    let mut departments: Vec<_> = kinds.iter().map(|kind| kind.department).collect();
    departments.sort_unstable();
    departments.dedup();
    let staff = people::staff(conn, &departments, now)?;
    for kind in kinds {
        if assignment::could_be_taken(&staff, &wanted_of(&kind), now) {
            // Another process may hold all of them: then it gives them out.
            if let Some(located) = store::lock_first(conn, &kind)? {
                return give(conn, located, now).map(|()| true);
            }
        }
    }
    Ok(false)
}

fn wanted_of(kind: &Kind) -> Need {
    Need {
        department: kind.department,
        level: kind.level,
        product: kind.product,
        category: kind.category,
        type_key: kind.type_key.clone(),
        holder: None,
        counted: false,
        except: kind.handed_over_by,
    }
}

/// Decides again on what is locked: somebody else may have been faster.
fn give(
    conn: &mut PgConnection,
    located: Located<Ticket>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let mut held = held(conn, located)?;
    let decision = assignment::pick(conn, &need(&held.ticket), now)?;
    if decision.agent.is_none() {
        return Ok(());
    }
    let system = Actor::system();
    held.ticket.assignee_id = decision.agent;
    let about = Previous { ticket: held.ticket.id, agent: None };
    let reason = Some("somebody became available");
    assignment::record(conn, &system, about, &decision, reason, now)?;
    go_on_if_assigned(&mut held.ticket, &held.workflow, now)?;
    let told = Told { kind: EventType::TicketAssigned, public: false, data: json!({}) };
    held.save(conn, &system, told, now)?;
    Ok(())
}

/// A ticket that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub ticket: InWorkflow<Summary>,
    pub since: DateTime<Utc>,
    /// How many of those who work in its department and level cannot take it, by what prevents them.
    pub why: BTreeMap<Verdict, usize>,
}

/// A page of the tickets that nobody has, most urgent and oldest first.
pub fn queue(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: QueueFilter,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<Page<Waiting>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::queue(conn, actor, filter, place(page)?, page.backward(), page.fetch())?;
    let ids: Vec<TicketId> = rows.iter().map(|located| located.row.id).collect();
    let since = assignment::decided_at(conn, &ids)?;
    let mut departments: Vec<_> = rows.iter().map(|located| located.row.department_id).collect();
    departments.sort_unstable();
    departments.dedup();
    let staff = people::staff(conn, &departments, now)?;
    let waiting = in_workflows(conn, rows)?.into_iter().map(|ticket| Waiting {
        since: since.get(&ticket.row.id).copied().unwrap_or(ticket.row.created_at),
        why: assignment::why_nobody(&staff, &need(&ticket.row), now),
        ticket,
    });
    Ok(page.page(waiting.collect(), |waiting| key(&waiting.ticket.row)))
}

/// Where a page of a queue begins, as its cursor says it.
pub(super) fn place(page: &PageRequest) -> Result<Option<Urgency>, AppError> {
    let Some(cursor) = &page.cursor else { return Ok(None) };
    let key: Option<(i32, i64)> = serde_json::from_value(cursor.key.clone()).ok();
    let place = key.and_then(|(rank, micros)| {
        let created_at = DateTime::from_timestamp_micros(micros)?;
        Some(Urgency { rank, created_at, id: TicketId(cursor.id) })
    });
    place.map(Some).ok_or_else(|| AppError::Malformed("cursor is not valid".into()))
}

/// What a cursor says of a ticket's place in a queue.
pub(super) fn key(row: &Summary) -> (Value, Uuid) {
    let Urgency { rank, created_at, id } = Urgency::of(row);
    (json!([rank, created_at.timestamp_micros()]), id.0)
}

/// A ticket that could be opened.
#[derive(Debug, Clone)]
pub struct WouldOpen {
    pub account_id: Option<AccountId>,
    pub contact_id: Option<ContactId>,
    pub product_id: Option<ProductId>,
    pub category_id: Option<CategoryId>,
    pub component_id: Option<ComponentId>,
    pub type_key: String,
}

/// Where such a ticket would go, and to whom; opens nothing.
pub fn preview(
    conn: &mut PgConnection,
    actor: &Actor,
    would: WouldOpen,
    now: DateTime<Utc>,
) -> Result<(Route, Decision), AppError> {
    actor.require(Permission::TicketsWork)?;
    if let Some(account) = would.account_id {
        let parties = people::check_parties(conn, account, would.contact_id, would.product_id)?;
        let errors = parties.errors();
        if !errors.is_empty() {
            return Err(AppError::Invalid(errors));
        }
    }
    let route = routing::resolve(conn, would.component_id, &would.type_key)?;
    let need = Need {
        department: route.department_id,
        level: route.level,
        product: would.product_id,
        category: would.category_id,
        type_key: would.type_key,
        holder: None,
        counted: false,
        except: None,
    };
    let decision = assignment::preview(conn, &need, now)?;
    Ok((route, decision))
}
