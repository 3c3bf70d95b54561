//! What a schedule reads of tickets.
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::db::schema::tickets;
use crate::kernel::{Actor, AgentId, Priority, TicketId};
use crate::tickets::visible;
use crate::workflow::Category;

/// What a calendar shows of a ticket.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tickets, check_for_backend(diesel::pg::Pg))]
pub struct Brief {
    pub id: TicketId,
    pub number: i64,
    pub subject: String,
}

/// Those of these tickets that the caller may see.
pub fn briefs(conn: &mut PgConnection, actor: &Actor, ids: &[TicketId]) -> QueryResult<Vec<Brief>> {
    tickets::table
        .filter(tickets::id.eq_any(ids))
        .filter(tickets::deleted_at.is_null())
        .filter(visible(actor))
        .select(Brief::as_select())
        .load(conn)
}

/// Literal, so that the partial index of the open tickets serves.
const OPEN: &str =
    "tickets.deleted_at is null and tickets.category in ('new', 'open', 'pending', 'on_hold')";

/// Those of these tickets that are open.
pub fn open_among(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<TicketId>> {
    tickets::table
        .filter(tickets::id.eq_any(ids))
        .filter(sql::<Bool>(OPEN))
        .select(tickets::id)
        .load(conn)
}

/// How many open tickets an agent has of a category and priority.
pub type Share = (Option<AgentId>, Category, Priority, i64);

/// The open tickets of these agents, counted.
pub fn shares(conn: &mut PgConnection, agents: &[AgentId]) -> QueryResult<Vec<Share>> {
    tickets::table
        .filter(tickets::assignee_id.eq_any(agents))
        .filter(sql::<Bool>(OPEN))
        .group_by((tickets::assignee_id, tickets::category, tickets::priority))
        .select((tickets::assignee_id, tickets::category, tickets::priority, count_star()))
        .load(conn)
}
