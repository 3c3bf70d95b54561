//! Reading the feed.
use diesel::dsl::LeftJoinQuerySource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;

use super::Event;
use crate::db::schema::{events, tickets};
use crate::events::EventType;
use crate::kernel::{AccountId, Actor, DepartmentId, TicketId, Visibility, WebhookId};

/// Which events a reader of the feed asks for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub after: i64,
    /// Up to here; `None`: to the end.
    pub until: Option<i64>,
    pub types: Vec<EventType>,
    pub ticket: Option<TicketId>,
    /// Of tickets of these accounts.
    pub accounts: Vec<AccountId>,
    /// Of tickets that these departments have.
    pub departments: Vec<DepartmentId>,
    /// Those that name this webhook too, whatever their types and whose their tickets are.
    pub naming: Option<WebhookId>,
    pub limit: i64,
}

/// The published events that match, in feed order, as far as the caller may see their tickets. A draft has none.
pub fn feed(conn: &mut PgConnection, filter: &Filter, caller: &Actor) -> QueryResult<Vec<Event>> {
    let mut query = events::table
        .left_join(tickets::table)
        .filter(events::position.gt(filter.after))
        .order(events::position)
        .limit(filter.limit)
        .select(Event::as_select())
        .into_boxed();
    if let Some(asked) = asked_for(filter) {
        query = query.filter(asked);
    }
    if let Some(ticket) = filter.ticket {
        query = query.filter(events::ticket_id.eq(ticket));
    }
    if let Some(until) = filter.until {
        query = query.filter(events::position.le(until));
    }
    query = match caller.visibility() {
        Visibility::All => query,
        Visibility::Departments(agent, departments) => query.filter(
            tickets::department_id
                .eq_any(departments)
                .or(tickets::assignee_id.eq(agent))
                .assume_not_null(),
        ),
        Visibility::Accounts(_, accounts) => query
            .filter(events::public)
            .filter(tickets::account_id.eq_any(accounts).assume_not_null()),
    };
    query.load(conn)
}

/// A condition on events and their tickets.
type Asked = Box<
    dyn BoxableExpression<LeftJoinQuerySource<events::table, tickets::table>, Pg, SqlType = Bool>,
>;

/// What the filter says of types and of whose tickets; `None` when it asks for all.
fn asked_for(filter: &Filter) -> Option<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    if !filter.types.is_empty() {
        let types: Vec<&str> = filter.types.iter().map(|kind| kind.as_str()).collect();
        all.push(Box::new(events::type_.eq_any(types)));
    }
    if !filter.accounts.is_empty() {
        let of_accounts = tickets::account_id.eq_any(filter.accounts.clone());
        all.push(Box::new(of_accounts.assume_not_null()));
    }
    if !filter.departments.is_empty() {
        let of_departments = tickets::department_id.eq_any(filter.departments.clone());
        all.push(Box::new(of_departments.assume_not_null()));
    }
    let asked = all.into_iter().reduce(|all, one| Box::new(all.and(one)))?;
    Some(match filter.naming {
        Some(webhook) => {
            Box::new(asked.or(events::data.contains(json!({ "webhook_ids": [webhook] }))))
        }
        None => asked,
    })
}
